import type { BlockDevice } from '../../block/device.ts'
import { BlockList } from './block-list.ts'
import type { DataBlocks } from './data-blocks.ts'
import type { FileInode } from './inode.ts'
import type { Metadata } from './metadata.ts'
import type { Superblock } from './superblock.ts'

export interface Contents {
  superblock: Superblock
  metadata: Metadata
  blocks: DataBlocks
}

/** Blocks that follow each other until it looks like more than a structure that happens to lie across two. */
const inOrderBlocks = 3

/**
 * A file in the image as a device: any place of it, with only the blocks unpacked that hold the place. Where the blocks lie is remembered as far as it was
 * needed, so keep the device while the file is in use.
 */
export function fileContent({ superblock, metadata, blocks }: Contents, inode: FileInode): BlockDevice {
  const { blockBytes } = superblock
  const { sizeBytes, fragment } = inode
  const list = new BlockList(superblock, metadata, inode)

  let lastIndex = -1
  let inOrder = 0
  let askedTo = 0

  /** What follows is only a guess: whatever is wrong with it is told when it is read. */
  const readAhead = (index: number): void => {
    if (index !== lastIndex) inOrder = index === lastIndex + 1 ? inOrder + 1 : 0
    lastIndex = index
    if (inOrder < inOrderBlocks) {
      askedTo = 0
      return
    }
    try {
      const end = Math.min(list.count, index + 1 + blocks.aheadBlocks)
      for (let next = Math.max(index + 1, askedTo); next < end; next += 1) {
        const { position, word } = list.block(next)
        if (!blocks.ahead(position, word)) return
        askedTo = next + 1
      }
    } catch {
      askedTo = list.count
    }
  }

  const readBlock = (index: number, within: number, into: Uint8Array): void => {
    const expectedBytes = Math.min(blockBytes, sizeBytes - index * blockBytes)
    if (index >= list.count) {
      // Only a file with a fragment has a block that is not in its list: its last.
      const offset = (fragment?.offset ?? 0) + within
      into.set(blocks.fragment(fragment?.index ?? 0, offset + into.length).subarray(offset, offset + into.length))
      return
    }
    if (blocks.aheadBlocks > 0) readAhead(index)
    const { position, word } = list.block(index)
    // A block of zeros is not stored.
    if (word === 0) into.fill(0)
    else into.set(blocks.block(position, word, expectedBytes).subarray(within, within + into.length))
  }

  return {
    size: sizeBytes,
    sectorSize: 512,
    readSync(into, offset) {
      if (offset < 0 || offset + into.length > sizeBytes)
        throw new RangeError(`${into.length} bytes at ${offset} do not lie within the file of ${sizeBytes}`)
      for (let done = 0; done < into.length; ) {
        const within = (offset + done) % blockBytes
        const count = Math.min(into.length - done, blockBytes - within)
        readBlock(Math.floor((offset + done) / blockBytes), within, into.subarray(done, done + count))
        done += count
      }
    },
  }
}
