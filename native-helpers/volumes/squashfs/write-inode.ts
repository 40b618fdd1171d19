import { cannotMake } from '../making/errors.ts'
import { contentLength } from '../making/new-entry.ts'
import { Structure } from '../making/structure.ts'
import { noFragment, type StoredContent } from './write-data.ts'
import type { WriteNode } from './write-entries.ts'
import { type Listing, typeNumbers } from './write-folder.ts'
import { noXattrs } from './write-xattrs.ts'

/** `struct squashfs_base_inode` and those that follow it, in fs/squashfs/squashfs_fs.h. An extended inode has a number that is seven higher. */
const headBytes = 16
const extended = 7
/** What a listing is said to be longer than it is, for the two dots that are not stored. */
const dotsBytes = 3

export interface InodeFacts {
  node: WriteNode
  ownerIndex: number
  groupIndex: number
  modifiedSeconds: number
  /** Its number, or `noXattrs`. */
  xattrs: number
  /** Of a file. */
  content: StoredContent | null
  /** Of a folder. */
  listing: Listing | null
  parentNumber: number
}

const usualModes = { folder: 0o755, file: 0o644, link: 0o777 } as const

export function inodeBytes(facts: InodeFacts): Uint8Array {
  const { entry } = facts.node
  if (entry.kind === 'folder') return folderInode(facts)
  if (entry.kind === 'file') return fileInode(facts, contentLength(entry))
  if (entry.kind === 'link') return linkInode(facts, Buffer.from(entry.target))
  return specialInode(facts)
}

function head(facts: InodeFacts, isExtended: boolean): Structure {
  const { node, ownerIndex, groupIndex, modifiedSeconds } = facts
  const { kind, mode } = node.entry
  const usual = kind in usualModes ? usualModes[kind as keyof typeof usualModes] : 0o644
  return new Structure(headBytes)
    .u16(0, typeNumbers[kind] + (isExtended ? extended : 0))
    .u16(2, (mode ?? usual) & 0o7777)
    .u16(4, ownerIndex)
    .u16(6, groupIndex)
    .u32(8, Math.min(0xffff_ffff, Math.max(0, Math.floor(modifiedSeconds))))
    .u32(12, node.number)
}

function folderInode(facts: InodeFacts): Uint8Array {
  const { node, listing, xattrs, parentNumber } = facts
  const { place, bytes, indexes } = listing ?? { place: { block: 0, offset: 0 }, bytes: 0, indexes: [] }
  const size = bytes + dotsBytes
  if (size > 0xffff_ffff) throw cannotMake('squashfs-make-folder', `"${node.entry.path}" holds more than a folder can.`)
  if (size <= 0xffff && xattrs === noXattrs && indexes.length === 0) {
    const rest = new Structure(16).u32(0, place.block).u32(4, node.links).u16(8, size).u16(10, place.offset).u32(12, parentNumber)
    return Buffer.concat([head(facts, false).bytes, rest.bytes])
  }
  const kept = indexes.slice(0, 0xffff)
  const rest = new Structure(24).u32(0, node.links).u32(4, size).u32(8, place.block).u32(12, parentNumber)
  rest.u16(16, kept.length).u16(18, place.offset).u32(20, xattrs)
  const listed = kept.map(({ offset, block, name }) =>
    Buffer.concat([
      new Structure(12)
        .u32(0, offset)
        .u32(4, block)
        .u32(8, name.length - 1).bytes,
      name,
    ]),
  )
  return Buffer.concat([head(facts, true).bytes, rest.bytes, ...listed])
}

function fileInode(facts: InodeFacts, sizeBytes: number): Uint8Array {
  const { node, xattrs } = facts
  const content = facts.content ?? { start: 0, blocks: [], fragment: noFragment, fragmentOffset: 0, sparseBytes: 0 }
  const blocks = Buffer.alloc(content.blocks.length * 4)
  for (const [index, stored] of content.blocks.entries()) blocks.writeUInt32LE(stored, index * 4)
  const fits = content.start <= 0xffff_ffff && sizeBytes <= 0xffff_ffff
  if (fits && node.links === 1 && xattrs === noXattrs && content.sparseBytes === 0) {
    const rest = new Structure(16).u32(0, content.start).u32(4, content.fragment).u32(8, content.fragmentOffset).u32(12, sizeBytes)
    return Buffer.concat([head(facts, false).bytes, rest.bytes, blocks])
  }
  const rest = new Structure(40).u64(0, content.start).u64(8, sizeBytes).u64(16, content.sparseBytes).u32(24, node.links)
  rest.u32(28, content.fragment).u32(32, content.fragmentOffset).u32(36, xattrs)
  return Buffer.concat([head(facts, true).bytes, rest.bytes, blocks])
}

function linkInode(facts: InodeFacts, target: Buffer): Uint8Array {
  const rest = new Structure(8).u32(0, facts.node.links).u32(4, target.length).bytes
  if (facts.xattrs === noXattrs) return Buffer.concat([head(facts, false).bytes, rest, target])
  return Buffer.concat([head(facts, true).bytes, rest, target, new Structure(4).u32(0, facts.xattrs).bytes])
}

function specialInode(facts: InodeFacts): Uint8Array {
  const { entry, links } = facts.node
  const isDevice = entry.kind === 'character-device' || entry.kind === 'block-device'
  const { major = 0, minor = 0 } = isDevice ? entry : {}
  // include/linux/kdev_t.h, new_encode_dev.
  const device = new Structure(4).u32(0, ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0).bytes
  const parts = [new Structure(4).u32(0, links).bytes, ...(isDevice ? [device] : [])]
  if (facts.xattrs === noXattrs) return Buffer.concat([head(facts, false).bytes, ...parts])
  return Buffer.concat([head(facts, true).bytes, ...parts, new Structure(4).u32(0, facts.xattrs).bytes])
}
