import { type Field, readFields, u16, u32, u64 } from '../fields.ts'
import { damaged } from './errors.ts'
import type { MetadataCursor } from './metadata.ts'

/** Where an inode lies: its block, counted from the inodes' table, and its place in that block. */
export interface InodePlace {
  block: number
  offset: number
}

interface Common {
  place: InodePlace
  number: number
  /** Permissions with the setuid, setgid and sticky bits; without the type. */
  mode: number
  owner: number
  group: number
  /** Seconds since 1970; unsigned, so it reaches to 2106. */
  modifiedSeconds: number
  links: number
  /** Null where there are none. */
  xattrIndex: number | null
}

export interface FolderInode extends Common {
  type: 'folder'
  /** Of its list, in the folders' table. */
  listing: { block: number; offset: number; sizeBytes: number }
}

export interface FileInode extends Common {
  type: 'file'
  sizeBytes: number
  /** Where its blocks begin. */
  start: number
  /** Where its end lies when that is packed together with others'. */
  fragment: { index: number; offset: number } | null
  /** Where the lengths of its blocks begin, in the inodes' table. */
  lengths: InodePlace & { skip: number }
}

export interface SymlinkInode extends Common {
  type: 'symlink'
  target: Uint8Array
}

export interface DeviceInode extends Common {
  type: 'block-device' | 'character-device'
  major: number
  minor: number
}

export interface OtherInode extends Common {
  type: 'fifo' | 'socket'
}

export type Inode = FolderInode | FileInode | SymlinkInode | DeviceInode | OtherInode
export type InodeType = Inode['type']

/** By the numbers of `SQUASHFS_*_TYPE`; the extended inodes follow in the same order, seven higher. */
const types = ['folder', 'file', 'symlink', 'block-device', 'character-device', 'fifo', 'socket'] as const

export function inodeType(number: number): InodeType | null {
  return types[number - 1] ?? null
}

/** `struct squashfs_base_inode` and those that follow it, in fs/squashfs/squashfs_fs.h; `links` is called nlink there. */
const headFields = { type: u16(0), mode: u16(2), owner: u16(4), group: u16(6), modifiedSeconds: u32(8), number: u32(12) }
const folderFields = { block: u32(0), links: u32(4), sizeBytes: u16(8), offset: u16(10) }
const largeFolderFields = { links: u32(0), sizeBytes: u32(4), block: u32(8), offset: u16(18), xattr: u32(20) }
const fileFields = { start: u32(0), fragment: u32(4), fragmentOffset: u32(8), sizeBytes: u32(12) }
const largeFileFields = {
  start: u64(0),
  sizeBytes: u64(8),
  links: u32(24),
  fragment: u32(28),
  fragmentOffset: u32(32),
  xattr: u32(36),
}
const symlinkFields = { links: u32(0), sizeBytes: u32(4) }
const deviceFields = { links: u32(0), device: u32(4), xattr: u32(8) }
const otherFields = { links: u32(0), xattr: u32(4) }

const headBytes = 16
const none = 0xffffffff
/** A list of nothing has this length: the entries for the folder itself and the one above it are counted, but not stored. */
const emptyListing = 3
const longestTarget = 65535

export function readInode(cursor: MetadataCursor, place: InodePlace, inodeCount: number, id: (index: number) => number): Inode {
  const head = readFields(headFields, cursor.take(headBytes))
  const extended = head.type > types.length
  const type = inodeType(extended ? head.type - types.length : head.type)
  if (!type) throw damaged(`an inode is of a type that does not exist, ${head.type}`)
  if (head.number === 0 || head.number > inodeCount) throw damaged(`an inode has the number ${head.number} of ${inodeCount}`)
  let taken = headBytes
  const fields = <Table extends Record<string, Field>>(table: Table, length: number) => {
    taken += length
    return readFields(table, cursor.take(length))
  }
  const common = (links: number, xattr: number = none): Common => ({
    place,
    number: head.number,
    mode: head.mode & 0o7777,
    owner: id(head.owner),
    group: id(head.group),
    modifiedSeconds: head.modifiedSeconds,
    links,
    xattrIndex: xattr === none ? null : xattr,
  })
  switch (type) {
    case 'folder': {
      const raw = extended ? fields(largeFolderFields, 24) : { ...fields(folderFields, 16), xattr: none }
      const { block, offset } = raw
      const listing = { block, offset, sizeBytes: Math.max(0, raw.sizeBytes - emptyListing) }
      return { type, ...common(raw.links, raw.xattr), listing }
    }
    case 'file': {
      const raw = extended ? fields(largeFileFields, 40) : { ...fields(fileFields, 16), links: 1, xattr: none }
      const fragment = raw.fragment === none ? null : { index: raw.fragment, offset: raw.fragmentOffset }
      const lengths = { ...place, skip: taken }
      return { type, ...common(raw.links, raw.xattr), sizeBytes: raw.sizeBytes, start: raw.start, fragment, lengths }
    }
    case 'symlink': {
      const raw = fields(symlinkFields, 8)
      if (raw.sizeBytes === 0 || raw.sizeBytes > longestTarget) throw damaged(`a symbolic link is ${raw.sizeBytes} bytes long`)
      const target = cursor.take(raw.sizeBytes).slice()
      return { type, ...common(raw.links, extended ? cursor.number() : none), target }
    }
    case 'block-device':
    case 'character-device': {
      const raw = fields(deviceFields, extended ? 12 : 8)
      // new_decode_dev of the kernel: the minor number's upper bits lie above the major number.
      const major = (raw.device >>> 8) & 0xfff
      const minor = (raw.device & 0xff) | ((raw.device >>> 12) & 0xfff00)
      return { type, ...common(raw.links, extended ? raw.xattr : none), major, minor }
    }
    default: {
      const raw = fields(otherFields, extended ? 8 : 4)
      return { type, ...common(raw.links, extended ? raw.xattr : none) }
    }
  }
}
