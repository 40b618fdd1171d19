import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ImageFacts, ImageRef } from '../contract.ts'
import { formatOf } from './format.ts'
import { emptyImage, fileError, notAFile } from './image-errors.ts'

const headBytes = 64 * 1024

/** What can be said about an image without decoding it. Reads little, writes nothing. */
export async function probeImage(ref: ImageRef, signal?: AbortSignal): Promise<ImageFacts> {
  signal?.throwIfAborted()
  const name = path.basename(ref.location)
  const head = new Uint8Array(headBytes)
  let sizeBytes: number
  let length: number
  try {
    const found = await stat(ref.location)
    if (found.isDirectory()) throw notAFile(name, 'a folder')
    if (found.isBlockDevice()) throw notAFile(name, 'a drive')
    if (!found.isFile()) throw notAFile(name, 'a pipe, socket or terminal')
    const file = await open(ref.location, 'r')
    try {
      sizeBytes = (await file.stat()).size
      length = (await file.read(head, 0, headBytes, 0)).bytesRead
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw fileError(name, thrown)
  }
  if (length === 0) throw emptyImage(name)
  const format = formatOf(head.subarray(0, length))
  return {
    ref,
    name,
    format,
    storedBytes: sizeBytes,
    contentBytes: format === 'raw' ? sizeBytes : null,
    members: [],
    sums: [],
    bmap: null,
    shows: null,
  }
}
