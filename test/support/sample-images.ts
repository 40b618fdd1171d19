import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, renameSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { isMarkerBlock } from '../../native-helpers/imaging/first-block.ts'
import { type LoopDevice, withLoop } from './devices.ts'
import { seeded, tool } from './tools.ts'

export const packings = ['raw', 'gz', 'bz2', 'xz', 'zst', 'zip'] as const
export type Packing = (typeof packings)[number]

const MiB = 1024 * 1024

/** A disk image with a partition table, data that does not compress, data that does, and a hole; the same in every run. */
export function sampleImage(folder: string, sizeBytes = 12 * MiB, seed = 1): string {
  const path = join(folder, `sample-${sizeBytes / MiB}-${seed}.img`)
  const random = seeded(seed)
  const file = openSync(path, 'w')
  for (let offset = 0; offset < sizeBytes; offset += MiB) {
    const block = Buffer.alloc(MiB)
    const kind = (offset / MiB) % 4
    if (kind === 0) for (let at = 0; at < MiB; at += 4) block.writeUInt32LE((random() * 2 ** 32) >>> 0, at)
    else if (kind === 1) block.fill(`line ${offset} of a text that compresses well\n`)
    if (kind < 2) writeSync(file, block, 0, MiB, offset)
  }
  closeSync(file)
  truncateSync(path, sizeBytes)
  partition(path)
  return path
}

function partition(path: string): void {
  tool('sfdisk', ['--quiet', path], { input: 'label: dos\nlabel-id: 0x6c697665\nstart=2048, type=83\n' })
}

/** The image packed by the usual tool; .xz and .bz2 in several blocks. */
export function pack(image: string, packing: Packing): string {
  if (packing === 'raw') return image
  const packed = `${image}.${packing}`
  if (packing === 'gz') tool('gzip', ['-1', '-k', '-f', image])
  if (packing === 'bz2') tool('bzip2', ['-1', '-k', '-f', image])
  if (packing === 'xz') tool('xz', ['-0', '-T2', '--block-size=4MiB', '-k', '-f', image])
  if (packing === 'zst') tool('zstd', ['-q', '-1', '-k', '-f', image])
  if (packing === 'zip') tool('zip', ['-q', '-1', '-j', packed, image])
  return packed
}

/** The file without its end, as an interrupted download leaves it, under a name of its own. */
export function cutOff(path: string, keep = 0.6): string {
  const cut = path.replace(/sample-/, 'cut-')
  writeFileSync(`${cut}.part`, readFileSync(path).subarray(0, Math.floor(statSync(path).size * keep)))
  renameSync(`${cut}.part`, cut)
  return cut
}

export function sha256(path: string): string {
  const hash = createHash('sha256')
  const block = Buffer.alloc(4 * MiB)
  const file = openSync(path, 'r')
  try {
    for (let length = readSync(file, block); length > 0; length = readSync(file, block)) hash.update(block.subarray(0, length))
    return hash.digest('hex')
  } finally {
    closeSync(file)
  }
}

/** A card that somebody used: a partition table, and something in its middle and at its end. */
export function usedCard(t: TestContext, sizeBytes = 16 * MiB): LoopDevice {
  const card = withLoop(t, { sizeBytes })
  partition(card.backing)
  const file = openSync(card.backing, 'r+')
  for (const offset of [MiB, sizeBytes / 2, sizeBytes - 4096])
    writeSync(file, Buffer.alloc(4096, 'somebody’s photographs '), 0, 4096, offset)
  closeSync(file)
  return card
}

/** How a card says that it is not finished: the marker instead of anything that a system would start from. */
export function isUnfinished(path: string): boolean {
  const start = Buffer.alloc(4096)
  const file = openSync(path, 'r')
  try {
    readSync(file, start, 0, start.length, 0)
  } finally {
    closeSync(file)
  }
  return isMarkerBlock(start) && start.readUInt16LE(510) !== 0xaa55
}

/** Byte for byte, by cmp(1); null when they are the same over the image's whole length. */
export function difference(image: string, target: string): string | null {
  try {
    tool('cmp', ['-n', String(statSync(image).size), image, target])
    return null
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}
