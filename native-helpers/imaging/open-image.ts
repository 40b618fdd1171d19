import os from 'node:os'
import type { ImageFacts } from '../contract.ts'
import { createBzip2Shared } from './decode-bzip2-blocks.ts'
import type { Packing, Work } from './decode-task.ts'
import { xzMemoryBytes } from './decode-xz.ts'
import { openDecodedStream } from './decoded-stream.ts'
import { changedWhileReading } from './image-errors.ts'
import { type LocalFile, openLocalFile } from './local-file.ts'
import { openRawStream } from './raw-stream.ts'
import type { FileSpec } from './source.ts'
import type { ImageStream, StreamOptions } from './stream.ts'
import { readXzIndex, xzDictionaryBytes } from './xz-index.ts'
import { chooseMember, placeMember, zipMembers } from './zip.ts'

/** Below this a thread takes longer to start than to decode its share. */
const bzip2ParallelBytes = 1024 * 1024
/** Each thread of Node costs about 10 MiB besides what its decoder needs; more threads than this would break the bound on memory. */
const maxThreads = 8

/** The decoded image, from what `probeImage` found out about it. */
export async function openImage(facts: ImageFacts, options: StreamOptions = {}): Promise<ImageStream> {
  options.signal?.throwIfAborted()
  const path = facts.ref.location
  if (facts.format === 'raw') return openRawStream(path, options, facts.storedBytes ?? undefined)
  const file = await openLocalFile(facts.name, path)
  try {
    if (file.sizeBytes !== facts.storedBytes) throw changedWhileReading(facts.name)
    const works = await planWorks(facts, path, file)
    return openDecodedStream(facts, { name: facts.name, works, from: { path, sizeBytes: file.sizeBytes } }, options)
  } finally {
    await file.close()
  }
}

async function planWorks(facts: ImageFacts, path: string, file: LocalFile): Promise<Work[]> {
  const whole: FileSpec = { kind: 'file', name: facts.name, path, start: 0, end: file.sizeBytes }
  const inOrder = (packing: Packing): Work[] => [{ kind: 'stream', packing, source: whole, check: null }]
  const cores = Math.min(os.availableParallelism(), maxThreads)
  switch (facts.format) {
    case 'raw':
      return inOrder('none')
    case 'gzip':
    case 'zstd':
      return inOrder(facts.format)
    case 'bzip2': {
      if (cores < 2 || file.sizeBytes < bzip2ParallelBytes) return inOrder('bzip2')
      const shared = createBzip2Shared()
      return Array.from({ length: cores }, () => ({ kind: 'bzip2-blocks', source: whole, shared }))
    }
    case 'xz':
      return (await planXzBlocks(path, file, cores)) ?? inOrder('xz')
    case 'zip': {
      const member = chooseMember(facts.name, await zipMembers(facts.name, file), facts.ref.member)
      const { start, end } = await placeMember(facts.name, file, member)
      const check = { sizeBytes: member.sizeBytes, crc32: member.crc32 }
      return [{ kind: 'stream', packing: member.packing ?? 'none', source: { ...whole, start, end }, check }]
    }
  }
}

/** As many threads as there are cores, and as have room for their dictionaries; null where that is one. */
async function planXzBlocks(path: string, file: LocalFile, cores: number): Promise<Work[] | null> {
  const index = await readXzIndex(file)
  const first = index?.blocks[0]
  if (index === null || first === undefined || index.blocks.length < 2) return null
  const header = await file.read(first.offset, Math.min(1024, first.unpaddedBytes))
  const dictionaryBytes = xzDictionaryBytes(header)
  if (dictionaryBytes === null) return null
  const threads = Math.min(cores, index.blocks.length, Math.floor(xzMemoryBytes / (dictionaryBytes + 1024 * 1024)))
  if (threads < 2) return null
  const taken = new Int32Array(new SharedArrayBuffer(4))
  const memoryBytes = Math.floor(xzMemoryBytes / threads)
  return Array.from({ length: threads }, () => ({ kind: 'xz-blocks', task: { path, blocks: index.blocks, memoryBytes, taken } }))
}
