import { cannotMake } from '../making/errors.ts'
import type { Compress } from './write-compress.ts'
import { type MetadataPlace, MetadataStream, type TableWriter } from './write-metadata.ts'
import type { Xattr } from './xattrs.ts'

/** As in xattrs.ts, in the order of their numbers. */
const prefixes = ['user.', 'trusted.', 'security.']
/** In an inode: none. */
export const noXattrs = 0xffff_ffff
const longestName = 255
const longestValue = 65536

/** The extended attributes of all files; those who have the same share them. */
export class XattrWriter {
  readonly #known = new Map<string, number>()
  readonly #sets: { place: MetadataPlace; count: number; bytes: number }[] = []
  readonly #values: MetadataStream

  constructor(compress: Compress) {
    this.#values = new MetadataStream(compress)
  }

  get isEmpty(): boolean {
    return this.#sets.length === 0
  }

  /** Its number for the inode. */
  async add(path: string, xattrs: readonly Xattr[] = []): Promise<number> {
    if (xattrs.length === 0) return noXattrs
    const sorted = [...xattrs].sort((a, b) => (a.name < b.name ? -1 : 1))
    const bytes = Buffer.concat(sorted.map((xattr) => encode(path, xattr)))
    const key = bytes.toString('latin1')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const index = this.#sets.length
    // `size` counts the names with their prefixes and a zero behind each, and the values, as listxattr(2) would need them.
    const size = sorted.reduce((sum, { name, value }) => sum + Buffer.byteLength(name) + 1 + value.length, 0)
    this.#sets.push({ place: this.#values.place, count: sorted.length, bytes: size })
    this.#known.set(key, index)
    await this.#values.write(bytes)
    return index
  }

  /** Answers where the table begins. */
  async append(tables: TableWriter): Promise<number> {
    const start = tables.append(await this.#values.end())
    const ids = Buffer.alloc(this.#sets.length * 16)
    for (const [index, { place, count, bytes }] of this.#sets.entries()) {
      ids.writeBigUInt64LE((BigInt(place.block) << 16n) | BigInt(place.offset), index * 16)
      ids.writeUInt32LE(count, index * 16 + 8)
      ids.writeUInt32LE(bytes, index * 16 + 12)
    }
    const head = Buffer.alloc(16)
    head.writeBigUInt64LE(BigInt(start))
    head.writeUInt32LE(this.#sets.length, 8)
    return tables.appendTable(ids, head)
  }
}

function encode(path: string, { name, value }: Xattr): Buffer {
  const prefix = prefixes.findIndex((text) => name.startsWith(text))
  const rest = Buffer.from(name.slice(prefixes[prefix]?.length ?? 0))
  if (prefix < 0 || rest.length === 0 || rest.length > longestName || value.length > longestValue)
    throw cannotMake('squashfs-make-xattr', `squashfs has no place for the extended attribute "${name}" of "${path}".`)
  const head = Buffer.alloc(4)
  head.writeUInt16LE(prefix)
  head.writeUInt16LE(rest.length, 2)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(value.length)
  return Buffer.concat([head, rest, length, value])
}
