import type { WriteNode } from './write-entries.ts'
import type { MetadataPlace, MetadataStream } from './write-metadata.ts'

/** By which a name in a long folder is found without reading what is before it: of the first part in each metadata block. */
export interface FolderIndex {
  /** Where the part begins, in bytes of the listing. */
  offset: number
  /** The metadata block in which it begins. */
  block: number
  name: Buffer
}

export interface Listing {
  place: MetadataPlace
  bytes: number
  indexes: FolderIndex[]
}

const mostEntriesOfHeader = 256
const mostDistance = 32767
/** `SQUASHFS_*_TYPE`, of the plain inodes, which entries name for extended ones too. */
export const typeNumbers = {
  folder: 1,
  file: 2,
  link: 3,
  'block-device': 4,
  'character-device': 5,
  fifo: 6,
  socket: 7,
} as const

/** Writes the listing of a folder whose children have their places. */
export async function writeListing(
  stream: MetadataStream,
  folder: WriteNode,
  placeOf: (node: WriteNode) => MetadataPlace,
): Promise<Listing> {
  const { place } = stream
  const indexes: FolderIndex[] = []
  let bytes = 0
  let lastBlock = place.block
  for (let at = 0; at < folder.children.length; ) {
    const first = folder.children[at]
    if (!first) break
    const { block } = placeOf(first.node)
    const { number } = first.node
    const part = folder.children.slice(at, at + mostEntriesOfHeader)
    const end = part.findIndex(({ node }) => placeOf(node).block !== block || Math.abs(node.number - number) > mostDistance)
    const entries = end < 0 ? part : part.slice(0, end)
    const here = stream.place
    if (here.block !== lastBlock) {
      indexes.push({ offset: bytes, block: here.block, name: first.name })
      lastBlock = here.block
    }
    const header = Buffer.alloc(12)
    header.writeUInt32LE(entries.length - 1)
    header.writeUInt32LE(block, 4)
    header.writeUInt32LE(number, 8)
    const encoded = Buffer.concat([
      header,
      ...entries.map(({ name, node }) => {
        const head = Buffer.alloc(8)
        head.writeUInt16LE(placeOf(node).offset)
        head.writeInt16LE(node.number - number, 2)
        head.writeUInt16LE(typeNumbers[node.entry.kind], 4)
        head.writeUInt16LE(name.length - 1, 6)
        return Buffer.concat([head, name])
      }),
    ])
    await stream.write(encoded)
    bytes += encoded.length
    at += entries.length
  }
  return { place, bytes, indexes }
}
