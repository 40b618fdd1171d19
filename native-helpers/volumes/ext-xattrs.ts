import { extentsDevice } from '../block/extents.ts'
import { type ExtInode, extInodeFlags } from './ext-inode.ts'
import { inodeXattrEntries, type XattrEntry, xattrEntries, xattrMagic } from './ext-inode-xattrs.ts'
import { extMap } from './ext-tree-map.ts'
import type { ExtVolume } from './ext-tree-volume.ts'
import { readFields, u16, u32 } from './fields.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

/** struct ext4_xattr_header, fs/ext4/xattr.h: one block, which several files may share. */
const headerFields = { magic: u32(0), blocks: u32(8) }
const headerBytes = 32

/** XATTR_SIZE_MAX, include/uapi/linux/limits.h, and what all of one file may come to. */
const maxValueBytes = 65536
const maxTotalBytes = 8 * 1024 * 1024

/** Content of small files, which is no attribute to anybody. */
const contentName = 'system.data'

/** All extended attributes of a file as listxattr(2) and getxattr(2) tell them, those of all namespaces. */
export function extXattrs(volume: ExtVolume, inode: ExtInode): Parsed<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  const damaged = (detail: string) => unusable('ext-xattrs', `the extended attributes of inode ${inode.number} ${detail}`)
  let total = 0
  const take = (entries: XattrEntry[], bytes: Uint8Array): Problem | null => {
    for (const { name, place, valueBytes } of entries) {
      if (name === contentName) continue
      total += valueBytes
      if (valueBytes > maxValueBytes || total > maxTotalBytes) return damaged('are larger than they can be').problem
      const value =
        place.start === null
          ? valueInInode(volume, place.inode, valueBytes)
          : Uint8Array.from(bytes.subarray(place.start, place.start + valueBytes))
      if (!value) return damaged(`lead to inode ${place.inode}, which holds none`).problem
      const shown = name.startsWith('system.posix_acl_') ? aclToShow(value) : value
      if (!shown) return damaged('hold an access control list that is none').problem
      found.set(name, shown)
    }
    return null
  }
  const inside = inodeXattrEntries(volume, inode)
  if (inside.damaged) return damaged('do not fit into it')
  const problem = take(inside.entries, inside.bytes)
  if (problem) return { value: null, problem }
  if (inode.xattrBlock === 0) return parsed(found)

  const block = volume.block(inode.xattrBlock)
  if (!block) return damaged('lie outside of the volume')
  const { magic, blocks } = readFields(headerFields, block)
  if (magic !== xattrMagic || blocks !== 1) return damaged('are not where they should be')
  const beside = xattrEntries(block, headerBytes, 0)
  if (beside.damaged) return damaged('do not fit into their block')
  const trouble = take(beside.entries, block)
  return trouble ? { value: null, problem: trouble } : parsed(found)
}

function valueInInode(volume: ExtVolume, number: number, valueBytes: number): Uint8Array | null {
  const { value: inode } = volume.inode(number)
  if (inode?.kind !== 'file' || !(inode.flags & extInodeFlags.xattrInode) || inode.sizeBytes !== valueBytes) return null
  const { extents, problem } = extMap(volume, inode)
  if (problem) return null
  const value = new Uint8Array(valueBytes)
  extentsDevice(volume.device, extents).readSync(value, 0)
  return value
}

/** On disk (fs/ext4/acl.h) entries for nobody in particular are shorter than to programs (include/uapi/linux/posix_acl_xattr.h). */
const acl = {
  diskVersion: 1,
  shownVersion: 2,
  headerBytes: 4,
  shortBytes: 4,
  longBytes: 8,
  user: 0x02,
  group: 0x08,
  nobody: 0xffff_ffff,
}
const aclFields = { tag: u16(0), rights: u16(2), id: u32(4) }

function aclToShow(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < acl.headerBytes || readFields({ version: u32(0) }, bytes).version !== acl.diskVersion) return null
  const shown: number[] = [acl.shownVersion]
  for (let at = acl.headerBytes; at < bytes.length; ) {
    const { tag, rights, id } = readFields(aclFields, bytes.subarray(at, at + acl.longBytes))
    const isLong = tag === acl.user || tag === acl.group
    at += isLong ? acl.longBytes : acl.shortBytes
    if (at > bytes.length) return null
    shown.push(tag + rights * 0x1_0000, isLong ? id : acl.nobody)
  }
  const view = new DataView(new ArrayBuffer(shown.length * 4))
  for (const [index, word] of shown.entries()) view.setUint32(index * 4, word, true)
  return new Uint8Array(view.buffer)
}
