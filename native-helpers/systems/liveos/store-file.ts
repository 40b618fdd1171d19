import type { BlockDevice } from '../../block/device.ts'
import { type Extent, extentsDevice } from '../../block/extents.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { fatFileLimitBytes } from '../../volumes/fat-clusters.ts'
import { growFatFile } from '../../volumes/fat-grow.ts'
import { openFat } from '../../volumes/fat-tree.ts'
import { openTree } from '../../volumes/open-tree.ts'
import { findNode } from '../../volumes/tree.ts'
import type { Run } from '../../wasm/ext-types.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'

/** Left free on the stick by a store that grows: its boot menus are rewritten now and then. */
const leftOnStickBytes = 8 * 1024 * 1024
/** Of an ext volume: some of what is free is kept for root, and some goes into its own maps. */
const usableOfExt = 0.9
/** Of an overlay that was given alone, as nobody knows where it will go back to. */
const aloneGrowthBytes = 1024 * 1024 * 1024

/** A file of a stick on a view that can be written: a store, or an image of a home. */
export interface StoreFile {
  name: string
  device: BlockDevice
  /** As far as it can grow. */
  maxBytes: number
  /** Makes it longer, and gives it anew. */
  grow(sizeBytes: number): BlockDevice
  /** Before the header is written: everything else of a file that grew is in its place. */
  settle?(): void
  /** Where its first bytes lie on the card. */
  startBytes: number
}

export function aloneFile(device: BlockDevice, draft: ChangeDraft): StoreFile {
  return {
    name: 'The changes',
    device: draft.part(0, device.size),
    maxBytes: Math.min(fatFileLimitBytes, device.size + aloneGrowthBytes),
    startBytes: 0,
    grow(sizeBytes) {
      draft.growTo(sizeBytes)
      // Its last sector is written as well, so that the file is longer even where nothing else is.
      const grown = draft.part(0, sizeBytes)
      grown.writeSync?.(new Uint8Array(grown.sectorSize), sizeBytes - grown.sectorSize)
      return grown
    },
  }
}

/** Null where the file cannot be opened; that is a finding of its own. */
export async function fileOnStick(
  volume: CardVolume,
  path: string,
  draft: ChangeDraft,
  seconds: number,
): Promise<StoreFile | null> {
  const part = draft.part(volume.startBytes, volume.device.size)
  const type = volume.identity?.type ?? ''
  const { value: tree } = await openTree(part, type)
  const node = tree && findNode(tree, path)
  const extents = node?.extents().value
  if (!extents) return null
  const device = extentsDevice(part, extents)
  const common = { name: path, device, startBytes: volume.startBytes + (firstStart(extents) ?? 0) }
  if (type.startsWith('ext')) return { ...common, ...onExt(part, extents, path, seconds) }
  if (type !== 'vfat') return { ...common, maxBytes: device.size, grow: () => device }
  const { value: fat } = openFat(part)
  const freeBytes = (fat?.table.countFree() ?? 0) * (fat?.volume.clusterBytes ?? 0)
  return {
    ...common,
    maxBytes: Math.min(fatFileLimitBytes, device.size + Math.max(0, freeBytes - leftOnStickBytes)),
    grow(sizeBytes) {
      const { value: grown, problem } = growFatFile(part, path, sizeBytes, () => draft.endGroup())
      if (!grown) throw cannotGrow(path, problem.detail)
      return extentsDevice(part, grown.extents)
    },
  }
}

/** Places of the file that have no blocks get some when they are written to, from the rest of the stick: livecd-iso-to-disk makes overlays of holes there. */
function onExt(
  part: BlockDevice,
  extents: readonly Extent[],
  path: string,
  seconds: number,
): Pick<StoreFile, 'device' | 'maxBytes' | 'grow' | 'settle'> {
  const freeBytes = readExtFacts(part).value?.freeBytes ?? 0
  const sizeBytes = extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  let opened: { writer: ExtWriter; inode: number } | null = null
  const open = () => {
    if (opened) return opened
    const writer = new ExtWriter(part, { seconds })
    opened = { writer, inode: writer.find(path) }
    return opened
  }
  return {
    device: filledAsWritten(part, extents, open),
    maxBytes: hasModules() ? sizeBytes + Math.max(0, Math.floor(freeBytes * usableOfExt)) : sizeBytes,
    grow(grownBytes) {
      const { writer, inode } = open()
      writer.setSize(inode, grownBytes)
      writer.flush()
      return filledAsWritten(part, extentsOf(writer.runs(inode) ?? [], grownBytes), open)
    },
    settle() {
      opened?.writer.close()
      opened = null
    },
  }
}

function filledAsWritten(
  part: BlockDevice,
  extents: readonly Extent[],
  open: () => { writer: ExtWriter; inode: number },
): BlockDevice {
  let map = extents
  let file = extentsDevice(part, map)
  return {
    size: file.size,
    sectorSize: file.sectorSize,
    readSync: (into, offset) => file.readSync(into, offset),
    writeSync(bytes, offset) {
      if (!touchesHole(map, offset, bytes.length)) {
        file.writeSync?.(bytes, offset)
        return
      }
      const { writer, inode } = open()
      writer.write(inode, offset, bytes)
      writer.flush()
      map = extentsOf(writer.runs(inode) ?? [], file.size)
      file = extentsDevice(part, map)
    },
  }
}

function touchesHole(extents: readonly Extent[], offset: number, lengthBytes: number): boolean {
  let at = 0
  for (const extent of extents) {
    if (extent.start === null && at < offset + lengthBytes && offset < at + extent.lengthBytes) return true
    at += extent.lengthBytes
  }
  return false
}

function extentsOf(runs: readonly Run[], sizeBytes: number): Extent[] {
  const extents: Extent[] = []
  let end = 0
  for (const { offset, place, length } of runs) {
    if (offset > end) extents.push({ start: null, lengthBytes: offset - end })
    extents.push({ start: place, lengthBytes: length })
    end = offset + length
  }
  if (end < sizeBytes) extents.push({ start: null, lengthBytes: sizeBytes - end })
  return extents
}

function firstStart(extents: readonly Extent[]): number | null {
  return extents.find(({ start }) => start !== null)?.start ?? null
}

function cannotGrow(path: string, why: string): LivecardError {
  return new LivecardError('failed', 'store-no-room', {
    message: `${path} cannot be made longer: ${why}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: 'Make room on the stick, or copy the whole stick to a larger one, and repair that.',
  })
}
