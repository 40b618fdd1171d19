import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { readBtrfsFacts } from '../../native-helpers/volumes/btrfs.ts'
import { openErofs } from '../../native-helpers/volumes/erofs.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { readGpt } from '../../native-helpers/volumes/gpt.ts'
import { identify } from '../../native-helpers/volumes/identify.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { readLuksFacts } from '../../native-helpers/volumes/luks.ts'
import { readMbr } from '../../native-helpers/volumes/mbr.ts'
import { dmsetupStatus, readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { volumeUsage } from '../../native-helpers/volumes/usage.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, seeded, testFolder } from '../support/tools.ts'
import { sampleTools, volumeSamples } from '../support/volume-samples.ts'

const MiB = 1024 * 1024
const roundsPerSample = 250
const maxReadBytes = 512 * MiB
const maxMilliseconds = 5000

/** A device that counts, and throws what no reader may let through when it is asked for what there is not. */
function counting(bytes: Uint8Array): BlockDevice & { readBytes: number } {
  const inner = memoryDevice(bytes)
  return {
    ...inner,
    readBytes: 0,
    readSync(into, offset) {
      this.readBytes += into.length
      inner.readSync(into, offset)
    },
  }
}

/** Everything that is found in a volume and what its files hold; only a named error may come of a damaged file. */
function readAll(tree: VolumeTree | null): number {
  let entries = 0
  if (!tree) return entries
  const piece = new Uint8Array(256 * 1024)
  walkTree(
    tree,
    (_path, node) => {
      entries += 1
      const device = node.kind === 'file' && entries < 200 ? node.open().value : null
      node.extents()
      if (!device) return
      try {
        device.readSync(piece.subarray(0, Math.min(piece.length, device.size)), 0)
        if (device.size > piece.length) device.readSync(piece, device.size - piece.length)
      } catch (thrown) {
        if (!(thrown instanceof LivecardError)) throw thrown
      }
    },
    { maxEntries: 5000 },
  )
  findNode(tree, 'a/b/large')
  findNode(tree, 'link')
  return entries
}

function readEverything(device: BlockDevice): number {
  const { volume } = identify(device)
  if (volume) volumeUsage(device, volume.type)
  readMbr(device)
  readGpt(device)
  readExtFacts(device)
  readBtrfsFacts(device)
  readLuksFacts(device)
  const { value: fat } = openFat(device)
  fat?.table.countFree()
  const { value: store } = readSnapshotStore(device, 16 * MiB)
  if (store) {
    dmsetupStatus(store, 32768)
    const merged = mergedDevice(memoryDevice(new Uint8Array(MiB)), device, store.exceptions)
    try {
      merged.readSync(new Uint8Array(MiB), 0)
    } catch (thrown) {
      if (!(thrown instanceof LivecardError)) throw thrown
    }
  }
  return [openIso9660(device).value, openIso9660(device, 32).value, fat, openErofs(device).value].reduce(
    (sum, tree) => sum + readAll(tree ?? null),
    0,
  )
}

function changed(image: Buffer, place: number, random: () => number): void {
  const width = [1, 2, 4, 8][Math.floor(random() * 4)] ?? 1
  const at = Math.min(place, image.length - width)
  const extremes = [0, 1, 0x7f, 0x80, 0xff]
  const byte = random() < 0.5 ? (extremes[Math.floor(random() * extremes.length)] ?? 0) : Math.floor(random() * 256)
  if (random() < 0.3) image[at] = (image[at] ?? 0) ^ (1 << Math.floor(random() * 8))
  else image.fill(byte, at, at + width)
}

test('no damage to a volume leads to an unnamed error, a long wait, or much memory', {
  skip: missingTools(...sampleTools) ?? false,
}, (t) => {
  const samples = volumeSamples(testFolder(t))
  const random = seeded(21)
  const rssBefore = process.memoryUsage.rss()
  let peak = 0
  for (const { name, bytes, hot } of samples) {
    readEverything(counting(bytes))
    for (let round = 0; round < roundsPerSample; round += 1) {
      const saved: [number, Buffer][] = []
      for (let change = 0; change < 1 + (round % 4); change += 1) {
        const [start, length] = hot[Math.floor(random() * hot.length)] ?? [0, 512]
        const place = Math.min(bytes.length - 8, start + Math.floor(random() * length))
        saved.unshift([place, Buffer.from(bytes.subarray(place, place + 8))])
        changed(bytes, place, random)
      }
      const end = round % 20 === 0 ? Math.floor(random() * bytes.length) : bytes.length
      const device = counting(bytes.subarray(0, end))
      const started = performance.now()
      try {
        readEverything(device)
      } catch (thrown) {
        throw new Error(`${name}, round ${round}`, { cause: thrown })
      }
      assert.ok(performance.now() - started < maxMilliseconds, `${name}, round ${round} took ${performance.now() - started} ms`)
      assert.ok(device.readBytes < maxReadBytes, `${name}, round ${round} read ${device.readBytes} bytes`)
      peak = Math.max(peak, process.memoryUsage.rss())
      for (const [place, before] of saved) bytes.set(before, place)
    }
  }
  assert.ok(peak - rssBefore < 300 * MiB, `${Math.round((peak - rssBefore) / MiB)} MiB`)
})

test('every sound sample is understood', { skip: missingTools(...sampleTools) ?? false }, (t) => {
  const found = volumeSamples(testFolder(t)).map(
    ({ name, bytes }) =>
      `${name}: ${identify(memoryDevice(bytes)).volume?.type}, ${readEverything(memoryDevice(bytes)) > 0 ? 'a tree' : 'no tree'}`,
  )
  assert.deepEqual(found, [
    'ext4: ext4, no tree',
    'FAT12: vfat, a tree',
    'FAT16: vfat, a tree',
    'FAT32: vfat, a tree',
    'exFAT: exfat, no tree',
    'NTFS: ntfs, no tree',
    'btrfs: btrfs, no tree',
    'LUKS2: crypto_LUKS, no tree',
    'LUKS1: crypto_LUKS, no tree',
    'swap: swap, no tree',
    'ISO 9660: iso9660, a tree',
    'EROFS: erofs, a tree',
    'EROFS with lz4: erofs, a tree',
    'EROFS with lz4 of the old kind: erofs, a tree',
    'a snapshot store: DM_snapshot_cow, no tree',
    'an MBR: undefined, no tree',
    'a GPT: undefined, no tree',
  ])
})
