import { Readable } from 'node:stream'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl'
import { LivecardError } from '../errors.ts'
import type { Packing } from './decode-task.ts'
import { ambiguous, damaged, emptyImage, encrypted, noSuchMember, truncated, unsupported } from './image-errors.ts'
import type { RangeReader } from './range-reader.ts'

/** One file of a zip that may be the image. */
export interface ZipMember {
  name: string
  sizeBytes: number
  storedBytes: number
  crc32: number
  packing: Packing | null
  encrypted: boolean
  entry: Entry
}

/** Where a member's stored bytes lie. */
export interface ZipPlace {
  member: ZipMember
  start: number
  end: number
}

/** APPNOTE 4.4.5, the methods that have a decoder here. */
const packings = new Map<number, Packing>([
  [0, 'none'],
  [8, 'deflate'],
  [12, 'bzip2'],
  [93, 'zstd'],
  [95, 'xz'],
])

const imageName = /\.(img|iso|raw|bin|wic|sdcard|rpi-sdimg|rpi-sdcard|hddimg|dd|dsk|usb|image)$/i
/** What macOS and Windows leave in archives. */
const litter = /(^|\/)(__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$)/
const maxEntries = 100_000

/**
 * The files of a zip that may be the image: those with an image's name where there are any (images come with readmes and checksums), else every file.
 * Here alone a name is asked, because the content is only known after decoding.
 */
export async function zipMembers(name: string, file: RangeReader): Promise<ZipMember[]> {
  const files = await withZip(name, file, async (zip) => {
    const found: ZipMember[] = []
    let entries = 0
    for await (const entry of zip.eachEntry()) {
      if (++entries > maxEntries) throw unsupported(name, `it holds more than ${maxEntries} files`)
      if (entry.fileName.endsWith('/') || litter.test(entry.fileName)) continue
      found.push({
        name: entry.fileName,
        sizeBytes: entry.uncompressedSize,
        storedBytes: entry.compressedSize,
        crc32: entry.crc32,
        packing: packings.get(entry.compressionMethod) ?? null,
        encrypted: entry.isEncrypted(),
        entry,
      })
    }
    return found
  })
  const images = files.filter((member) => imageName.test(member.name))
  return images.length > 0 ? images : files
}

/** The member that is meant; rejects where that is not clear or it cannot be decoded. */
export function chooseMember(name: string, members: ZipMember[], wanted: string | undefined): ZipMember {
  if (members.length === 0) throw emptyImage(name)
  if (wanted === undefined && members.length > 1) {
    throw ambiguous(
      name,
      members.map((member) => member.name),
    )
  }
  const member = wanted === undefined ? members[0] : members.find((one) => one.name === wanted)
  if (member === undefined) throw noSuchMember(name, wanted ?? '')
  if (member.encrypted) throw encrypted(`${member.name} in ${name}`)
  if (member.packing === null)
    throw unsupported(`${member.name} in ${name}`, `it is packed by method ${member.entry.compressionMethod}`)
  if (member.sizeBytes === 0) throw emptyImage(`${member.name} in ${name}`)
  return member
}

export async function placeMember(name: string, file: RangeReader, member: ZipMember): Promise<ZipPlace> {
  return withZip(name, file, async (zip) => {
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(member.entry, { minimal: true })
    const end = fileDataStart + member.storedBytes
    if (end > file.sizeBytes) throw truncated(name, 'the archive is shorter than its directory says')
    return { member, start: fileDataStart, end }
  })
}

type Zip = Awaited<ReturnType<typeof fromRandomAccessReaderPromise>>

async function withZip<T>(name: string, file: RangeReader, use: (zip: Zip) => Promise<T>): Promise<T> {
  const reader = new Adapter(file)
  try {
    const zip = await fromRandomAccessReaderPromise(reader, file.sizeBytes, { lazyEntries: true, autoClose: false })
    return await use(zip)
  } catch (thrown) {
    if (reader.failure !== null) throw reader.failure
    throw zipError(name, thrown)
  }
}

/** yauzl has no codes, only sentences; the directory is at the end of a zip, so that a missing one means a missing end. */
function zipError(name: string, thrown: unknown): unknown {
  if (thrown instanceof LivecardError || !(thrown instanceof Error)) return thrown
  if (/end of central directory|unexpected EOF|end of file/i.test(thrown.message))
    return truncated(name, 'the directory at the end of the archive is missing')
  return damaged(name, `its directory cannot be read (${thrown.message})`, thrown)
}

/** yauzl reads through this. */
class Adapter extends RandomAccessReader {
  failure: unknown = null
  private readonly file: RangeReader

  constructor(file: RangeReader) {
    super()
    this.file = file
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const { file } = this
    const fail = (thrown: unknown) => {
      this.failure ??= thrown
      throw thrown
    }
    async function* pieces() {
      for (let at = start; at < end; ) {
        const length = Math.min(65536, end - at)
        yield await file.read(at, length).catch(fail)
        at += length
      }
    }
    return Readable.from(pieces(), { objectMode: false })
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void): void {
    this.file.read(position, length).then(
      (bytes) => {
        buffer.set(bytes, offset)
        done(null)
      },
      (thrown) => {
        this.failure ??= thrown
        done(thrown instanceof Error ? thrown : new Error(String(thrown)))
      },
    )
  }
}
