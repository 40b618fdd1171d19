import fs from 'node:fs'
import { loadXzDecoder, lzma, lzmaInputBytes } from '../volumes/codecs/liblzma.ts'
import { xzError } from './decode-xz.ts'
import { damaged } from './image-errors.ts'
import type { Meter } from './meter.ts'
import { type Filled, PartWriter, type RingParts } from './slot-ring.ts'
import { openFile, readMetered } from './source.ts'
import { padded, type XzBlock, xzFrame } from './xz-index.ts'

export interface XzBlocksTask {
  path: string
  blocks: XzBlock[]
  /** For this thread. */
  memoryBytes: number
  /** [0] the number of the next block that no thread has taken yet. */
  taken: Int32Array
}

/** One of the threads that decode the blocks of an xz file; each block says where its content belongs. */
export async function decodeXzBlocks(
  name: string,
  task: XzBlocksTask,
  ring: RingParts,
  meter: Meter,
  filled: Filled,
): Promise<void> {
  const decoder = await loadXzDecoder()
  const file = openFile(name, task.path)
  const buffer = new Uint8Array(lzmaInputBytes)
  try {
    for (;;) {
      const block = task.blocks[Atomics.add(task.taken, 0, 1)]
      if (block === undefined) return
      const out = new PartWriter(ring, block.contentOffset, filled)
      const end = block.contentOffset + block.contentBytes
      const pass = (bytes: Uint8Array) => {
        if (out.position + bytes.length > end) throw damaged(name, 'a block holds more than the index says')
        out.write(bytes)
      }
      const { header, trailer } = xzFrame(block)
      decoder.start(task.memoryBytes, false)
      let code = decoder.feed(header, false, pass)
      const storedEnd = block.offset + padded(block.unpaddedBytes)
      for (let at = block.offset; code === lzma.ok && at < storedEnd; ) {
        const length = readMetered(name, file, buffer, Math.min(buffer.length, storedEnd - at), at, meter)
        code = decoder.feed(buffer.subarray(0, length), false, pass)
        at += length
      }
      if (code === lzma.ok) code = decoder.feed(trailer, true, pass)
      if (code === lzma.streamEnd && out.position !== end) code = lzma.data
      if (code !== lzma.streamEnd) throw xzError(name, code === lzma.buffer ? lzma.data : code)
      out.flush()
    }
  } finally {
    fs.closeSync(file)
  }
}
