import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { changedWhileReading, fileError, notAFile } from './image-errors.ts'
import type { RangeReader } from './range-reader.ts'

export interface LocalFile extends RangeReader {
  close(): Promise<void>
}

/** An image file, opened for looking at parts of it. Without `O_NONBLOCK` the opening of a pipe would wait for somebody to write into it. */
export async function openLocalFile(name: string, path: string): Promise<LocalFile> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (thrown) {
    throw fileError(name, thrown)
  }
  try {
    const found = await file.stat()
    if (found.isDirectory()) throw notAFile(name, 'a folder')
    if (found.isBlockDevice()) throw notAFile(name, 'a drive')
    if (!found.isFile()) throw notAFile(name, 'a pipe, socket or terminal')
    return {
      sizeBytes: found.size,
      read: (offset, length) => readExactly(name, file, offset, length),
      close: () => file.close(),
    }
  } catch (thrown) {
    await file.close()
    throw fileError(name, thrown)
  }
}

async function readExactly(name: string, file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch((thrown) => {
      throw fileError(name, thrown)
    })
    if (bytesRead === 0) throw changedWhileReading(name)
    done += bytesRead
  }
  return bytes
}
