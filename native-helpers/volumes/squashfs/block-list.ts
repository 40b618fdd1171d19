import { storedBytes } from './data-blocks.ts'
import { damaged, tooLarge } from './errors.ts'
import type { FileInode } from './inode.ts'
import type { Metadata, MetadataCursor } from './metadata.ts'
import type { Superblock } from './superblock.ts'

export interface BlockPlace {
  position: number
  /** Its stored length, and a bit that says whether it is packed; 0 for a block of zeros. */
  word: number
}

/** Lengths that are read at once, and between two remembered places. */
const partCount = 1024
/** Two tebibytes of blocks of 128 KiB: more than a card holds. */
const mostBlocks = 16 * 1024 * 1024

interface Part {
  start: number
  words: Uint32Array
}

/**
 * Where the blocks of a file lie. An image has only their lengths, one after another, so a place is the sum of all lengths before it: these sums are kept part by
 * part, as far as someone asked, and nothing is allocated for lengths that are not there.
 */
export class BlockList {
  readonly count: number
  readonly #superblock: Superblock
  readonly #metadata: Metadata
  readonly #inode: FileInode
  readonly #parts: Part[] = []
  #cursor: MetadataCursor | null = null
  #next: number

  constructor(superblock: Superblock, metadata: Metadata, inode: FileInode) {
    const { sizeBytes, fragment, start } = inode
    const exact = sizeBytes / superblock.blockBytes
    const count = fragment ? Math.floor(exact) : Math.ceil(exact)
    if (count > mostBlocks) throw tooLarge(`one of its files claims to have ${sizeBytes} bytes`)
    if (count > 0 && (start < superblock.data.start || start > superblock.data.end))
      throw damaged('a file begins outside of the place of contents')
    this.count = count
    this.#superblock = superblock
    this.#metadata = metadata
    this.#inode = inode
    this.#next = start
  }

  block(index: number): BlockPlace {
    const part = this.#part(Math.floor(index / partCount))
    const within = index % partCount
    let position = part.start
    for (let before = 0; before < within; before += 1) position += storedBytes(part.words[before] ?? 0)
    return { position, word: part.words[within] ?? 0 }
  }

  #part(wanted: number): Part {
    for (;;) {
      const known = this.#parts[wanted]
      if (known) return known
      this.#parts.push(this.#readPart())
    }
  }

  #readPart(): Part {
    const { lengths } = this.#inode
    this.#cursor ??= this.#begin()
    const words = new Uint32Array(Math.min(partCount, this.count - this.#parts.length * partCount))
    const bytes = this.#cursor.take(words.length * 4)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const start = this.#next
    let next = start
    for (let index = 0; index < words.length; index += 1) {
      const word = view.getUint32(index * 4, true)
      words[index] = word
      next += storedBytes(word)
    }
    if (next > this.#superblock.data.end)
      throw damaged(`the blocks of the file at inode ${lengths.block}:${lengths.offset} do not fit`)
    this.#next = next
    return { start, words }
  }

  #begin(): MetadataCursor {
    const { inodes } = this.#superblock
    const { block, offset, skip } = this.#inode.lengths
    const cursor = this.#metadata.cursor(inodes, inodes.start + block, offset)
    cursor.take(skip)
    return cursor
  }
}
