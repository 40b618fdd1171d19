import { type FileHandle, open } from 'node:fs/promises'
import { alignedBuffer } from '../block/aligned.ts'
import { defaultBlockBytes, defaultSlots, type ImageBlock, type ImageStream, type StreamOptions } from './stream.ts'

/** A plain image file: read ahead into page-aligned slots, no decoding. */
export async function openRawStream(path: string, options: StreamOptions = {}): Promise<ImageStream> {
  const blockBytes = options.blockBytes ?? defaultBlockBytes
  const slots = options.slots ?? defaultSlots
  const file: FileHandle = await open(path, 'r')
  const { size } = await file.stat()
  const memory = alignedBuffer(blockBytes * slots, true)
  const free = Array.from({ length: slots }, (_, slot) => slot)
  let wake: (() => void) | null = null
  let offset = 0

  const take = async (): Promise<number> => {
    for (;;) {
      options.signal?.throwIfAborted()
      const slot = free.pop()
      if (slot !== undefined) return slot
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    format: 'raw',
    blockBytes,
    contentBytes: size,
    storedBytes: size,
    sourceWaitMs: 0,
    get storedBytesRead() {
      return offset
    },
    async next(): Promise<ImageBlock | null> {
      if (offset >= size) return null
      const slot = await take()
      const length = Math.min(blockBytes, size - offset)
      const bytes = memory.subarray(slot * blockBytes, slot * blockBytes + length)
      const at = offset
      offset += length
      await file.read(bytes, 0, length, at)
      return {
        offset: at,
        bytes,
        release() {
          free.push(slot)
          wake?.()
          wake = null
        },
      }
    },
    digests: async () => ({ file: { sha256: null, md5: null }, content: { sha256: null, md5: null } }),
    close: () => file.close(),
  }
}
