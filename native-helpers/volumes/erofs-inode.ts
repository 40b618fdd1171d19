import { readFields, u16, u32, u64 } from './fields.ts'
import { kindOfMode, type NodeKind } from './tree.ts'

/** struct erofs_inode_compact and erofs_inode_extended, fs/erofs/erofs_fs.h; an inode's number counts slots of 32 bytes. */
export const inodeSlotBytes = 32
const compactBytes = 32
export const extendedBytes = 64
const common = { format: u16(0), xattrCount: u16(2), mode: u16(4), place: u32(16) }
const compact = { ...common, sizeBytes: u32(8), ownerId: u16(24), groupId: u16(26) }
const extended = { ...common, sizeBytes: u64(8), ownerId: u32(24), groupId: u32(28), seconds: u64(32) }
const versionBit = 1
const layoutShift = 1
const layoutMask = 7
const knownFormatBits = 0xf

export type ErofsLayout = 'plain' | 'compressed-full' | 'inline' | 'compressed-compact' | 'chunks'
const layouts: (ErofsLayout | undefined)[] = ['plain', 'compressed-full', 'inline', 'compressed-compact', 'chunks']

export interface ErofsInode {
  /** Of the inode in the volume. */
  offset: number
  /** Behind the inode and its attributes: an inline tail, or what maps the file. */
  bodyOffset: number
  layout: ErofsLayout
  kind: NodeKind
  mode: number
  sizeBytes: number
  ownerId: number
  groupId: number
  /** Null for the short form, which has the time of the build. */
  modifiedSeconds: number | null
  /** A block number, a device number or a chunk format, by layout and kind. */
  place: number
}

/** Null where it is no inode. `bytes` may be 32 long for the short form. */
export function parseErofsInode(bytes: Uint8Array, offset: number): ErofsInode | null {
  const { format } = readFields(common, bytes)
  const isExtended = (format & versionBit) !== 0
  const inodeBytes = isExtended ? extendedBytes : compactBytes
  if (bytes.length < inodeBytes || format & ~knownFormatBits) return null
  const raw = isExtended ? readFields(extended, bytes) : { ...readFields(compact, bytes), seconds: null }
  const layout = layouts[(format >> layoutShift) & layoutMask]
  const kind = kindOfMode(raw.mode)
  if (!layout || !kind || !Number.isSafeInteger(raw.sizeBytes)) return null
  return {
    offset,
    bodyOffset: offset + inodeBytes + (raw.xattrCount === 0 ? 0 : 12 + 4 * (raw.xattrCount - 1)),
    layout,
    kind,
    mode: raw.mode & 0o7777,
    sizeBytes: raw.sizeBytes,
    ownerId: raw.ownerId,
    groupId: raw.groupId,
    modifiedSeconds: raw.seconds,
    place: raw.place,
  }
}
