import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { openLiveImage } from '../../native-helpers/systems/liveos/live-image.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { openTree } from '../../native-helpers/volumes/open-tree.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { tool } from './tools.ts'

const MiB = 1024 * 1024
/** Of the one partition of `makeStick`. */
export const stickStartBytes = 4 * MiB

/** What a kernel and the native e2fsck brought back of the fixtures' stores: the sha256 of each file by its path. */
export const keptSums: Record<string, string> = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url)), 'utf8'),
).overlays.recovered.files_noload_sha256

/** The filesystem in a system image. */
export async function originIn(image: BlockDevice): Promise<BlockDevice> {
  const { value, problem } = await openLiveImage(image)
  return value?.origin?.device ?? assert.fail(problem?.detail ?? 'the image holds no filesystem')
}

/** What a kernel shows of a store over its image; the store must be one that it takes. */
export function mergedOf(origin: BlockDevice, store: BlockDevice): BlockDevice {
  const { value, problem } = readSnapshotStore(store, origin.size)
  assert.ok(value?.valid && value.exceptions.damageCount === 0 && !value.unregistrable, problem?.detail)
  return mergedDevice(origin, store, value.exceptions)
}

/** The native e2fsck finds nothing wrong. */
export function assertSound(folder: string, device: BlockDevice): void {
  const whole = new Uint8Array(device.size)
  device.readSync(whole, 0)
  const copy = join(folder, 'sound.img')
  writeFileSync(copy, whole)
  tool('e2fsck', ['-f', '-n', copy])
}

/** The sha256 of every file of an ext volume that `wanted` names, or of all. */
export function sumsOf(device: BlockDevice, wanted: (path: string) => boolean = () => true): Record<string, string> {
  const { value: ext, problem } = openExt(device)
  assert.ok(ext, problem?.detail)
  return sumsOfTree(ext.tree, wanted)
}

export function sumsOfTree(tree: VolumeTree, wanted: (path: string) => boolean = () => true): Record<string, string> {
  const sums: Record<string, string> = {}
  walkTree(tree, (path, node) => {
    if (node.kind !== 'file' || !wanted(path)) return
    const file = node.open().value ?? assert.fail(path)
    const bytes = new Uint8Array(file.size)
    file.readSync(bytes, 0)
    sums[path] = createHash('sha256').update(bytes).digest('hex')
  })
  return sums
}

export interface OpenedStick {
  tree: VolumeTree
  volume: BlockDevice
  /** A file by its path. */
  file(path: string): BlockDevice
  close(): void
}

export async function openStick(card: string, filesystem: 'vfat' | 'ext4', sizeMiB: number): Promise<OpenedStick> {
  const device = openFileDevice({ path: card, writable: false })
  const volume = slice(device, stickStartBytes, sizeMiB * MiB)
  const { value: tree, problem } = await openTree(volume, filesystem)
  assert.ok(tree, problem?.detail)
  return {
    tree,
    volume,
    file: (path) => findNode(tree, path)?.open().value ?? assert.fail(`there is no ${path}`),
    close: () => device.close(),
  }
}

/** The partition's own checker finds nothing wrong. */
export function assertStickSound(folder: string, card: string, filesystem: 'vfat' | 'ext4', sizeMiB: number): void {
  const copy = join(folder, 'volume.img')
  tool('dd', [
    `if=${card}`,
    `of=${copy}`,
    'bs=1M',
    `skip=${stickStartBytes / MiB}`,
    `count=${sizeMiB}`,
    'conv=sparse',
    'status=none',
  ])
  if (filesystem === 'vfat') tool('fsck.fat', ['-n', copy])
  else tool('e2fsck', ['-f', '-n', copy])
}

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
