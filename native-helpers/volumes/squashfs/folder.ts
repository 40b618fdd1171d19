import { readFields, u16, u32 } from '../fields.ts'
import { damaged } from './errors.ts'
import { type FolderInode, type InodePlace, type InodeType, inodeType } from './inode.ts'
import type { Metadata } from './metadata.ts'
import type { Region } from './superblock.ts'

export interface FolderEntry {
  /** As UTF-8; a byte that is none reads as U+FFFD. */
  name: string
  nameBytes: Uint8Array
  type: InodeType
  place: InodePlace
}

/** `struct squashfs_dir_header` and `squashfs_dir_entry`: entries whose inodes lie in the same block share a header. */
const headerFields = { count: u32(0), block: u32(4) }
const headerBytes = 12
const entryFields = { offset: u16(0), type: u16(4), nameLength: u16(6) }
const entryBytes = 8
const mostEntriesOfHeader = 256
const longestName = 256

/** In ascending order of the names' bytes, as every squashfs has them; a name that stands twice or could lead elsewhere is damage. */
export function* listFolder(metadata: Metadata, region: Region, { listing }: FolderInode): Generator<FolderEntry> {
  if (listing.sizeBytes === 0) return
  const cursor = metadata.cursor(region, region.start + listing.block, listing.offset)
  let previous: Uint8Array | null = null
  let left = listing.sizeBytes
  const spend = (bytes: number) => {
    left -= bytes
    if (left < 0) throw damaged('the list of a folder is longer than it says')
  }
  while (left > 0) {
    spend(headerBytes)
    const header = readFields(headerFields, cursor.take(headerBytes))
    if (header.count >= mostEntriesOfHeader) throw damaged(`the list of a folder counts ${header.count + 1} entries in one part`)
    for (let index = 0; index <= header.count; index += 1) {
      spend(entryBytes)
      const entry = readFields(entryFields, cursor.take(entryBytes))
      const length = entry.nameLength + 1
      const type = inodeType(entry.type)
      if (length > longestName || !type) throw damaged('an entry of a folder is impossible')
      spend(length)
      const nameBytes = cursor.take(length).slice()
      if (!isName(nameBytes)) throw damaged('a folder has an entry whose name cannot be one')
      if (previous && Buffer.compare(previous, nameBytes) >= 0) throw damaged('the names in a folder are out of order')
      previous = nameBytes
      const place = { block: header.block, offset: entry.offset }
      yield { name: Buffer.from(nameBytes).toString('utf8'), nameBytes, type, place }
    }
  }
}

/** "/", "." and ".." would lead whoever unpacks to another place. */
function isName(bytes: Uint8Array): boolean {
  if (bytes.includes(0) || bytes.includes(0x2f)) return false
  return !(bytes[0] === 0x2e && (bytes.length === 1 || (bytes.length === 2 && bytes[1] === 0x2e)))
}
