import path from 'node:path'
import type { ImageFacts, ImageRef } from '../contract.ts'
import { formatOf } from './format.ts'
import { emptyImage } from './image-errors.ts'
import { openLocalFile } from './local-file.ts'
import { readXzIndex } from './xz-index.ts'
import { chooseMember, zipMembers } from './zip.ts'
import { zstdContentBytes } from './zstd-length.ts'

const headBytes = 64 * 1024

/** What can be said about an image without decoding it. Reads little, writes nothing. */
export async function probeImage(ref: ImageRef, signal?: AbortSignal): Promise<ImageFacts> {
  signal?.throwIfAborted()
  const name = path.basename(ref.location)
  const file = await openLocalFile(name, ref.location)
  try {
    if (file.sizeBytes === 0) throw emptyImage(name)
    const head = await file.read(0, Math.min(headBytes, file.sizeBytes))
    const format = formatOf(head)
    let contentBytes: number | null = null
    let members: ImageFacts['members'] = []
    if (format === 'raw') contentBytes = file.sizeBytes
    else if (format === 'xz') contentBytes = (await readXzIndex(file))?.contentBytes ?? null
    else if (format === 'zstd') contentBytes = await zstdContentBytes(file)
    else if (format === 'zip') {
      const found = await zipMembers(name, file)
      if (found.length > 1) members = found.map((member) => ({ name: member.name, sizeBytes: member.sizeBytes }))
      if (found.length <= 1 || ref.member !== undefined) contentBytes = chooseMember(name, found, ref.member).sizeBytes
    }
    return { ref, name, format, storedBytes: file.sizeBytes, contentBytes, members, sums: [], bmap: null, shows: null }
  } finally {
    await file.close()
  }
}
