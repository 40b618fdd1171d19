import type { BlockDevice } from '../../block/device.ts'
import { readFields, u16, u32, u64 } from '../fields.ts'
import { damaged, tooLarge } from './errors.ts'
import type { Metadata, MetadataCursor } from './metadata.ts'
import type { Region, Superblock } from './superblock.ts'
import { Table } from './table.ts'

export interface Xattr {
  /** "user.comment" */
  name: string
  value: Uint8Array
}

/** `struct squashfs_xattr_id_table`: where the names and values begin, and how many files have different ones. */
const headFields = { start: u64(0), count: u32(8) }
const headBytes = 16
/** `struct squashfs_xattr_id`; the reference is a block in its upper 48 bits and a place in its lower 16. */
const idBytes = 16
/** `struct squashfs_xattr_entry`; then the name, the value's length, the value. */
const entryFields = { type: u16(0), nameLength: u16(2) }
/** `SQUASHFS_XATTR_*`. */
const prefixes = ['user.', 'trusted.', 'security.']
/** `SQUASHFS_XATTR_VALUE_OOL`: where the value is that another file has as well, its place stands. */
const elsewhere = 0x100
/** The kernel's own limits: XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX. */
const longestName = 255
const longestValue = 65536
const longestList = 65536
/** All values of a file; without it, names that share one long value would be unpacked to hundreds of megabytes. */
const mostValueBytes = 4 * 1024 * 1024

export class Xattrs {
  readonly #metadata: Metadata
  readonly #ids: Table
  readonly #values: Region

  constructor(device: BlockDevice, metadata: Metadata, superblock: Superblock, tableStart: number) {
    if (tableStart + headBytes > superblock.usedBytes) throw damaged('the table of extended attributes does not fit in the image')
    const bytes = new Uint8Array(headBytes)
    device.readSync(bytes, tableStart)
    const { start, count } = readFields(headFields, bytes)
    if (start <= superblock.directories.start || start > tableStart)
      throw damaged('the extended attributes lie outside of their place')
    const shape = { name: 'extended attributes', pointers: tableStart + headBytes, entryBytes: idBytes, count }
    this.#metadata = metadata
    this.#ids = new Table(device, metadata, shape, superblock.usedBytes, start)
    this.#values = { start, end: tableStart }
  }

  of(index: number): Xattr[] {
    const id = this.#ids.entry(index)
    const count = id.getUint32(8, true)
    const cursor = this.#at(id.getBigUint64(0, true))
    const found: Xattr[] = []
    let names = 0
    let values = 0
    for (let each = 0; each < count; each += 1) {
      const { type, nameLength } = readFields(entryFields, cursor.take(4))
      const prefix = prefixes[type & 0xff]
      if (!prefix || nameLength === 0 || nameLength > longestName || type & ~(elsewhere | 0xff))
        throw damaged('an extended attribute has no possible name')
      const name = prefix + Buffer.from(cursor.take(nameLength)).toString('utf8')
      names += name.length + 1
      if (names > longestList) throw damaged('a file has more extended attributes than there can be')
      const value = this.#value(cursor, (type & elsewhere) !== 0)
      values += value.length
      if (values > mostValueBytes) throw tooLarge('the extended attributes of one of its files are larger than they can be in use')
      found.push({ name, value })
    }
    return found
  }

  #value(cursor: MetadataCursor, pointed: boolean): Uint8Array {
    const length = cursor.number()
    if (!pointed) {
      if (length > longestValue) throw damaged(`the value of an extended attribute is ${length} bytes long`)
      return cursor.take(length).slice()
    }
    if (length !== 8) throw damaged('the place of an extended attribute cannot be one')
    const bytes = cursor.take(8)
    return this.#value(this.#at(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)), false)
  }

  #at(reference: bigint): MetadataCursor {
    return this.#metadata.cursor(this.#values, this.#values.start + Number(reference >> 16n), Number(reference & 0xffffn))
  }
}
