import { isPowerOfTwo } from '../fields.ts'
import { cannotMake } from '../making/errors.ts'
import type { WritableDevice } from '../making/new-entry.ts'
import { Structure } from '../making/structure.ts'
import { squashfsFlags } from './superblock.ts'
import { type Compress, startPacker, usualLevels, type WriteCompressor } from './write-compress.ts'
import { DataWriter, type StoredContent } from './write-data.ts'
import { isFileNode, type SquashfsEntry, type WriteNode, writeTree } from './write-entries.ts'
import { type Listing, writeListing } from './write-folder.ts'
import { inodeBytes } from './write-inode.ts'
import { type MetadataPlace, MetadataStream, TableWriter } from './write-metadata.ts'
import { XattrWriter } from './write-xattrs.ts'

export interface NewSquashfs {
  entries: readonly SquashfsEntry[]
  /** zstd without, which needs Linux 4.14. */
  compressor?: WriteCompressor
  /** gzip 1–9, zstd 1–22; xz has one only. */
  level?: number
  /** A power of two from 4 KiB to 1 MiB; 128 KiB without. */
  blockBytes?: number
  /** Since 1970: of the image, and of entries that name none. Now without. */
  madeSeconds?: number
  /** Told after each block how much of all contents went in, in bytes. */
  onProgress?(doneBytes: number): void
  signal?: AbortSignal
}

const superblockBytes = 96
const magic = 0x73717368
const compressorNumbers = { gzip: 1, xz: 4, zstd: 6 } as const
/** For a table that there is not. */
const noTable = 0xffff_ffff_ffff_ffffn
const mostIds = 65536
/** A loop device leaves out what does not fill a sector, and the kernel then misses the end of the image. As mksquashfs fills up. */
const paddingBytes = 4096

/**
 * Makes a squashfs 4.0 from the start of the device on; what lies there is overwritten, its first structure at the very end. Answers how many bytes it
 * has, filled up to 4 KiB. The same entries and times make the same bytes. Throws "squashfs-make-…" for what a squashfs cannot hold, and what the device throws.
 */
export async function makeSquashfs(device: WritableDevice, options: NewSquashfs): Promise<number> {
  const { entries, compressor = 'zstd', blockBytes = 128 * 1024 } = options
  const { level = usualLevels[compressor], madeSeconds = Math.floor(Date.now() / 1000) } = options
  if (!isPowerOfTwo(blockBytes) || blockBytes < 4096 || blockBytes > 1024 * 1024)
    throw cannotMake('squashfs-make-block', `A squashfs cannot have blocks of ${blockBytes} bytes.`)
  const tree = writeTree(entries)
  const packer = startPacker(compressor, blockBytes, level)
  try {
    return await writeImage(device, tree, packer.compress, { ...options, compressor, blockBytes, madeSeconds })
  } finally {
    await packer.close()
  }
}

type Tree = ReturnType<typeof writeTree>
type Settled = NewSquashfs & Required<Pick<NewSquashfs, 'compressor' | 'blockBytes' | 'madeSeconds'>>

async function writeImage(device: WritableDevice, tree: Tree, compress: Compress, options: Settled): Promise<number> {
  const { compressor, blockBytes, madeSeconds, signal } = options
  const files = tree.nodes.filter(isFileNode)
  const entriesOfFiles = files.map(({ entry }) => entry)
  const data = new DataWriter(device, compress, blockBytes, superblockBytes, entriesOfFiles)
  const contents = new Map<WriteNode, StoredContent>()
  let doneBytes = 0
  const step = (bytes: number): void => {
    signal?.throwIfAborted()
    doneBytes += bytes
    options.onProgress?.(doneBytes)
  }
  for (const node of files) contents.set(node, await data.write(node.entry, step))
  await data.end()
  const metadata = await writeInodes(tree, contents, compress, madeSeconds)
  signal?.throwIfAborted()

  const fragments = Buffer.alloc(data.fragments.length * 16)
  for (const [index, { start, storedSize }] of data.fragments.entries()) {
    fragments.writeBigUInt64LE(BigInt(start), index * 16)
    fragments.writeUInt32LE(storedSize, index * 16 + 8)
  }
  const tables = new TableWriter(device, compress, data.position)
  const inodeTable = tables.append(metadata.inodes)
  const directoryTable = tables.append(metadata.folders)
  const fragmentTable = await tables.appendTable(fragments)
  const exportTable = await tables.appendTable(metadata.references)
  const idTable = await tables.appendTable(metadata.ids)
  const xattrTable = metadata.xattrs.isEmpty ? null : await metadata.xattrs.append(tables)
  const imageBytes = Math.min(device.limitBytes ?? device.size, Math.ceil(tables.position / paddingBytes) * paddingBytes)
  const usedBytes = tables.append(new Uint8Array(imageBytes - tables.position))
  device.flushSync()

  const flags = squashfsFlags.exportable | squashfsFlags.duplicatesFound | (xattrTable === null ? squashfsFlags.noXattrs : 0)
  const superblock = new Structure(superblockBytes)
    .u32(0, magic)
    .u32(4, tree.nodes.length)
    .u32(8, madeSeconds)
    .u32(12, blockBytes)
    .u32(16, data.fragments.length)
    .u16(20, compressorNumbers[compressor])
    .u16(22, Math.log2(blockBytes))
    .u16(24, flags)
    .u16(26, metadata.ids.length / 4)
    .u16(28, 4)
    .u16(30, 0)
    .u64(32, metadata.rootReference)
    .u64(40, usedBytes)
    .u64(48, idTable)
    .u64(56, xattrTable ?? noTable)
    .u64(64, inodeTable)
    .u64(72, directoryTable)
    .u64(80, fragmentTable)
    .u64(88, exportTable)
  device.writeSync(superblock.bytes, 0)
  device.flushSync()
  return imageBytes
}

interface WrittenMetadata {
  inodes: Uint8Array
  folders: Uint8Array
  /** Eight bytes for each inode in the order of their numbers: for NFS, which asks for them by number. */
  references: Uint8Array
  ids: Uint8Array
  xattrs: XattrWriter
  rootReference: bigint
}

/** Inodes and listings: what is in a folder before the folder, so that all places are known when they are named. */
async function writeInodes(
  { root, nodes }: Tree,
  contents: ReadonlyMap<WriteNode, StoredContent>,
  compress: Compress,
  madeSeconds: number,
): Promise<WrittenMetadata> {
  const inodes = new MetadataStream(compress)
  const folders = new MetadataStream(compress)
  const xattrs = new XattrWriter(compress)
  const places = new Map<WriteNode, MetadataPlace>()
  const parents = new Map<WriteNode, number>([[root, nodes.length + 1]])
  for (const node of nodes) for (const child of node.children) parents.set(child.node, node.number)
  const ids = new Map<number, number>()
  const idIndex = (id: number): number => {
    const known = ids.get(id)
    if (known !== undefined) return known
    if (ids.size >= mostIds)
      throw cannotMake('squashfs-make-owners', `A squashfs cannot have more than ${mostIds} owners and groups.`)
    ids.set(id, ids.size)
    return ids.size - 1
  }
  const placeOf = (node: WriteNode): MetadataPlace => places.get(node) ?? { block: 0, offset: 0 }
  const references = Buffer.alloc(nodes.length * 8)
  // Their order is that of their numbers, in which a folder comes behind what is in it.
  for (const node of nodes) {
    const { entry } = node
    const listing: Listing | null = entry.kind === 'folder' ? await writeListing(folders, node, placeOf) : null
    const place = inodes.place
    places.set(node, place)
    references.writeBigUInt64LE(reference(place), (node.number - 1) * 8)
    await inodes.write(
      inodeBytes({
        node,
        ownerIndex: idIndex(entry.ownerId ?? 0),
        groupIndex: idIndex(entry.groupId ?? 0),
        modifiedSeconds: entry.modifiedSeconds ?? madeSeconds,
        xattrs: await xattrs.add(entry.path, entry.xattrs),
        content: contents.get(node) ?? null,
        listing,
        parentNumber: parents.get(node) ?? 0,
      }),
    )
  }
  const idBytes = Buffer.alloc(ids.size * 4)
  for (const [id, index] of ids) idBytes.writeUInt32LE(id, index * 4)
  return {
    inodes: await inodes.end(),
    folders: await folders.end(),
    references,
    ids: idBytes,
    xattrs,
    rootReference: reference(placeOf(root)),
  }
}

function reference({ block, offset }: MetadataPlace): bigint {
  return (BigInt(block) << 16n) | BigInt(offset)
}
