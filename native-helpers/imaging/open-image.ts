import os from 'node:os'
import type { ImageFacts } from '../contract.ts'
import { ZstdFormatError, ZstdFrameWalker } from '../volumes/codecs/zstd-frames.ts'
import { createBzip2Shared } from './decode-bzip2-blocks.ts'
import type { Packing, Work } from './decode-task.ts'
import { xzMemoryBytes } from './decode-xz.ts'
import { type DecodePlan, openDecodedStream } from './decoded-stream.ts'
import { startHttpFeeder } from './http-feeder.ts'
import { openHttpFile } from './http-file.ts'
import { defaultLimits, isUrl, type NetworkLimits, parseUrl } from './http-request.ts'
import { changedWhileReading } from './image-errors.ts'
import { type LocalFile, openLocalFile } from './local-file.ts'
import type { RangeReader } from './range-reader.ts'
import { openRawStream } from './raw-stream.ts'
import type { FileSpec } from './source.ts'
import type { ImageStream, StreamOptions } from './stream.ts'
import { noRanges } from './url-errors.ts'
import { readXzIndex, xzDictionaryBytes, xzHeaderBytes } from './xz-index.ts'
import { chooseMember, placeMember, zipMembers } from './zip.ts'

/** Below this a thread takes longer to start than to decode its share. */
const bzip2ParallelBytes = 1024 * 1024
const bzip2ThreadBytes = 16 * 1024 * 1024
const headBytes = 4096
/** Each thread costs 10 to 15 MiB besides what its decoder needs: with more of them the bound on memory would not hold. Four decode more than a card takes. */
const maxThreads = 4

/** The decoded image, from what `probeImage` found out about it. */
export async function openImage(facts: ImageFacts, options: StreamOptions = {}): Promise<ImageStream> {
  return openWith(facts, options, Math.min(os.availableParallelism(), maxThreads))
}

/** The same for a look at its beginning, in a single thread. */
export async function openForLooking(facts: ImageFacts, options: StreamOptions): Promise<ImageStream> {
  return openWith(facts, options, 1)
}

async function openWith(facts: ImageFacts, options: StreamOptions, threads: number): Promise<ImageStream> {
  options.signal?.throwIfAborted()
  const { location } = facts.ref
  if (isUrl(location)) return openDecodedStream(facts, await planUrl(facts, options), options)
  if (facts.format === 'raw') return openRawStream(location, options, facts.storedBytes ?? undefined)
  const file = await openLocalFile(facts.name, location)
  try {
    if (file.sizeBytes !== facts.storedBytes) throw changedWhileReading(facts.name)
    const planned = await planFile(facts, location, file, threads)
    return openDecodedStream(facts, { name: facts.name, ...planned, from: { path: location, sizeBytes: file.sizeBytes } }, options)
  } finally {
    await file.close()
  }
}

type Planned = Pick<DecodePlan, 'works' | 'decoderBytes'>

async function planFile(facts: ImageFacts, path: string, file: LocalFile, threads: number): Promise<Planned> {
  const whole: FileSpec = { kind: 'file', name: facts.name, path, start: 0, end: file.sizeBytes }
  const head = await file.read(0, Math.min(headBytes, file.sizeBytes))
  if (facts.format === 'zip') {
    const { packing, slice, check } = await planMember(facts, file)
    return { works: [{ kind: 'stream', packing, source: { ...whole, ...slice }, check }], decoderBytes: 0 }
  }
  if (facts.format === 'bzip2' && threads > 1 && file.sizeBytes >= bzip2ParallelBytes) {
    const shared = createBzip2Shared()
    const works: Work[] = Array.from({ length: threads }, () => ({ kind: 'bzip2-blocks', source: whole, shared }))
    return { works, decoderBytes: threads * bzip2ThreadBytes }
  }
  const blocks = facts.format === 'xz' && threads > 1 ? await planXzBlocks(path, file, threads) : null
  if (blocks !== null) return blocks
  const works: Work[] = [{ kind: 'stream', packing: packingOf(facts.format), source: whole, check: null }]
  return { works, decoderBytes: decoderBytes(facts.format, head) }
}

/** What the beginning of a file says of the memory that its decoder needs. */
function decoderBytes(format: ImageFacts['format'], head: Uint8Array): number {
  if (format === 'xz') return xzDictionaryBytes(head.subarray(xzHeaderBytes)) ?? 0
  if (format !== 'zstd') return 0
  const walker = new ZstdFrameWalker()
  try {
    walker.feed(head)
  } catch (thrown) {
    if (!(thrown instanceof ZstdFormatError)) throw thrown
  }
  return walker.windowBytes
}

function packingOf(format: Exclude<ImageFacts['format'], 'zip'>): Packing {
  return format === 'raw' ? 'none' : format
}

async function planMember(facts: ImageFacts, file: RangeReader) {
  const member = chooseMember(facts.name, await zipMembers(facts.name, file), facts.ref.member)
  const { start, end } = await placeMember(facts.name, file, member)
  return { packing: member.packing ?? 'none', slice: { start, end }, check: { sizeBytes: member.sizeBytes, crc32: member.crc32 } }
}

/** As many threads as there are cores, and as have room for their dictionaries; null where that is one. */
async function planXzBlocks(path: string, file: LocalFile, cores: number): Promise<Planned | null> {
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
  const works: Work[] = Array.from({ length: threads }, () => ({
    kind: 'xz-blocks',
    task: { path, blocks: index.blocks, memoryBytes, taken },
  }))
  return { works, decoderBytes: threads * dictionaryBytes }
}

/** A download comes in order, through one thread that fetches and one that decodes. */
async function planUrl(facts: ImageFacts, options: StreamOptions): Promise<DecodePlan> {
  const limits: NetworkLimits = { ...defaultLimits, ...options.network }
  const url = parseUrl(facts.ref.location)
  const expected = { sizeBytes: facts.storedBytes, validator: null, ranges: false }
  const digests = [...new Set(options.digests?.file)]
  const start = (slice: { start: number; end: number } | null, validator: string | null) =>
    startHttpFeeder({ url: url.href, slice, expected: { ...expected, validator }, digests, limits })
  if (facts.format === 'zip') {
    const file = await openHttpFile(url, limits, options.signal)
    if (file.reader === null) throw noRanges(url, 'and the directory of a zip is at its end')
    const { packing, slice, check } = await planMember(facts, file.reader)
    const { feeder, ring } = start(slice, file.facts.validator)
    const work: Work = { kind: 'stream', packing, source: { kind: 'ring', ring }, check }
    return { name: facts.name, works: [work], decoderBytes: 0, from: { feeder } }
  }
  const { feeder, ring } = start(null, null)
  const work: Work = { kind: 'stream', packing: packingOf(facts.format), source: { kind: 'ring', ring }, check: null }
  // Not known before the first byte is there, so the worst is assumed.
  const mayNeed = facts.format === 'xz' || facts.format === 'zstd' ? xzMemoryBytes : 0
  return { name: facts.name, works: [work], decoderBytes: mayNeed, from: { feeder } }
}
