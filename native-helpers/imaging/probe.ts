import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ImageFacts, ImageFormat, ImageRef } from '../contract.ts'
import { formatOf } from './format.ts'
import { openHttpFile } from './http-file.ts'
import { defaultLimits, get, isUrl, type NetworkLimits, parseUrl, readAll } from './http-request.ts'
import { emptyImage, unsupported } from './image-errors.ts'
import { knownImage } from './known-images.ts'
import { openLocalFile } from './local-file.ts'
import { openForLooking } from './open-image.ts'
import type { RangeReader } from './range-reader.ts'
import { shownBytes, whatShows } from './shows.ts'
import { type Beside, findSidecars } from './sidecars.ts'
import { noRanges } from './url-errors.ts'
import { readXzIndex } from './xz-index.ts'
import { chooseMember, zipMembers } from './zip.ts'
import { zstdContentBytes } from './zstd-length.ts'

const headBytes = 64 * 1024
const maxSidecarBytes = 4 * 1024 * 1024

/** What an image is and what was published about it. Reads little, decodes only its beginning, writes nothing. */
export async function probeImage(ref: ImageRef, signal?: AbortSignal, network: Partial<NetworkLimits> = {}): Promise<ImageFacts> {
  signal?.throwIfAborted()
  return isUrl(ref.location) ? probeUrl(ref, { ...defaultLimits, ...network }, signal) : probeFile(ref, signal)
}

async function probeFile(ref: ImageRef, signal: AbortSignal | undefined): Promise<ImageFacts> {
  const name = path.basename(ref.location)
  const folder = path.dirname(ref.location)
  const file = await openLocalFile(name, ref.location)
  try {
    if (file.sizeBytes === 0) throw emptyImage(name)
    const format = formatOf(await file.read(0, Math.min(headBytes, file.sizeBytes)))
    const length = await contentLength(name, format, file, ref.member)
    const sidecars = await findSidecars(name, length.member, (sidecar) => smallFile(path.join(folder, sidecar)))
    const bmap = sidecars.bmap === null ? null : path.join(folder, sidecars.bmap)
    const facts: ImageFacts = {
      ref,
      name,
      format,
      storedBytes: file.sizeBytes,
      contentBytes: length.contentBytes,
      members: length.members,
      sums: sidecars.sums,
      bmap,
      shows: null,
    }
    return { ...facts, ...(await look(facts, {}, signal)) }
  } finally {
    await file.close()
  }
}

async function probeUrl(ref: ImageRef, limits: NetworkLimits, signal: AbortSignal | undefined): Promise<ImageFacts> {
  const url = parseUrl(ref.location)
  const name = urlName(url)
  const file = await openHttpFile(url, limits, signal)
  if (file.head.length === 0) throw emptyImage(name)
  const format = formatOf(file.head)
  if (format === 'zip' && file.reader === null) throw noRanges(url, 'and the directory of a zip is at its end')
  const storedBytes = file.facts.sizeBytes
  const unknown = { contentBytes: format === 'raw' ? storedBytes : null, members: [], member: null }
  // Of a zstd image the length would have to be put together from all over the file.
  const { contentBytes, members, member } =
    file.reader === null || format === 'zstd' ? unknown : await contentLength(name, format, file.reader, ref.member)
  const sidecars = await findSidecars(name, member, urlSidecars(url, limits, signal))
  const bmap = sidecars.bmap === null ? null : besideUrl(sidecars.bmap, url).href
  const facts: ImageFacts = { ref, name, format, storedBytes, contentBytes, members, sums: sidecars.sums, bmap, shows: null }
  return { ...facts, ...(await look(facts, limits, signal)) }
}

interface Length {
  contentBytes: number | null
  members: ImageFacts['members']
  /** The file of a zip that is meant, where that is clear. */
  member: string | null
}

/**
 * Only what is certain. A gzip file tells the length of its last member modulo 4 GiB and not how many members it has, and bzip2 tells nothing: there the length
 * stays unknown.
 */
async function contentLength(name: string, format: ImageFormat, file: RangeReader, wanted: string | undefined): Promise<Length> {
  const of = (contentBytes: number | null): Length => ({ contentBytes, members: [], member: null })
  switch (format) {
    case 'raw':
      return of(file.sizeBytes)
    case 'xz':
      return of((await readXzIndex(file))?.contentBytes ?? null)
    case 'zstd':
      return of(await zstdContentBytes(file))
    case 'gzip':
    case 'bzip2':
      return of(null)
    case 'zip': {
      const found = await zipMembers(name, file)
      const members = found.length > 1 ? found.map((member) => ({ name: member.name, sizeBytes: member.sizeBytes })) : []
      if (found.length > 1 && wanted === undefined) return { contentBytes: null, members, member: null }
      const chosen = chooseMember(name, found, wanted)
      return { contentBytes: chosen.sizeBytes, members, member: chosen.name }
    }
  }
}

type Seen = Pick<ImageFacts, 'shows' | 'known'>

/** Decodes the beginning. What is damaged there is named at once, before anybody has chosen a drive. */
async function look(facts: ImageFacts, network: Partial<NetworkLimits>, signal: AbortSignal | undefined): Promise<Seen> {
  if (facts.members.length > 0 && facts.ref.member === undefined) return { shows: null }
  const stream = await openForLooking(facts, {
    blockBytes: shownBytes,
    slots: 2,
    network,
    ...(signal === undefined ? {} : { signal }),
  })
  try {
    const block = await stream.next()
    if (block === null) throw emptyImage(facts.name)
    const inner = formatOf(block.bytes)
    if (facts.format !== 'raw' && inner !== 'raw') throw unsupported(facts.name, `it is packed twice, there is ${inner} inside`)
    const known = knownImage(block.bytes)
    return { shows: whatShows(block.bytes), ...(known && { known }) }
  } finally {
    await stream.close()
  }
}

async function smallFile(location: string): Promise<Uint8Array | null> {
  try {
    const found = await stat(location)
    return found.isFile() && found.size <= maxSidecarBytes ? await readFile(location) : null
  } catch {
    // Nothing beside the image is needed; what cannot be read is as good as absent.
    return null
  }
}

/** Looks on the same server, all at once and not for long. */
function urlSidecars(image: URL, limits: NetworkLimits, signal: AbortSignal | undefined): Beside {
  const soon = AbortSignal.timeout(limits.sidecarsMs)
  const until = signal === undefined ? soon : AbortSignal.any([signal, soon])
  return async (name) => {
    const url = besideUrl(name, image)
    try {
      const answer = await get(url, {}, limits, until)
      if (answer.status === 200) return await readAll(answer, maxSidecarBytes)
      answer.close()
      return null
    } catch {
      signal?.throwIfAborted()
      return null
    }
  }
}

function besideUrl(name: string, image: URL): URL {
  return new URL(`./${encodeURIComponent(name)}`, image)
}

function urlName(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last) || url.hostname
  } catch {
    return last || url.hostname
  }
}
