import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { LivecardError, systemCode } from '../errors.ts'
import { defaultLimits, fetchSmall, isUrl } from './http-request.ts'

import { readXml, XmlError } from './xml.ts'

/** Checksums a block map may use; Debian's bmaptool takes whatever Python's hashlib knows, files in the wild use these. */
const digestHexLengths = { md5: 32, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 } as const

export type BmapChecksumType = keyof typeof digestHexLengths

export interface BmapRange {
  /** Bytes of the image; `end` is exclusive and never beyond the image. */
  start: number
  end: number
  /** Lower-case hex of the range's bytes; null where the file gives none (always before version 1.3). */
  checksum: string | null
}

/** A block map: which parts of an image carry data. Checked: what is in here is consistent in itself. */
export interface Bmap {
  version: string
  imageBytes: number
  blockBytes: number
  mappedBytes: number
  checksumType: BmapChecksumType | null
  /** Sorted, not overlapping. */
  ranges: BmapRange[]
}

export { bmapWriteMap } from './bmap-write-map.ts'

/** An honest map of a terabyte image is a few MiB; what is larger than this is not a map. */
const maxFileBytes = 32 * 1024 * 1024
const maxBlockBytes = 1024 * 1024 * 1024

/** Reads and checks a .bmap file, or the one at an address. Rejects with `bmap-unreadable` or `bmap-damaged`. */
export async function readBmap(path: string): Promise<Bmap> {
  return parseBmap(await readBounded(path))
}

async function readBounded(path: string): Promise<Uint8Array> {
  if (isUrl(path)) {
    const bytes = await fetchSmall(path, maxFileBytes, defaultLimits)
    if (bytes === null) throw damaged(`it is longer than ${maxFileBytes} bytes`)
    return bytes
  }
  try {
    const facts = await stat(path)
    if (!facts.isFile()) throw new Error('it is not a file')
    if (facts.size > maxFileBytes) throw damaged(`it is ${facts.size} bytes long`)
    return await readFile(path)
  } catch (thrown) {
    if (thrown instanceof LivecardError) throw thrown
    const why = systemCode(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown))
    throw new LivecardError(
      'failed',
      'bmap-unreadable',
      {
        message: `The block map ${path} cannot be read: ${why}.`,
        meaning: 'Nothing was written.',
        next: 'Check the path given with --bmap, or write without a block map.',
      },
      thrown,
    )
  }
}

/**
 * The format is that of bmap-tools (BmapCreate.py, BmapCopy.py): 1.0–1.2 without checksums, 1.3 with SHA-1 (`BmapFileSHA1`, `sha1=`),
 * 2.0 and 1.4, which is 2.0 under a wrong number, with `ChecksumType`, `BmapFileChecksum`, `chksum=`.
 */
export function parseBmap(text: Uint8Array): Bmap {
  if (text.length > maxFileBytes) throw damaged(`it is ${text.length} bytes long`)
  const fields = new Map<string, { text: string; offset: number }>()
  const ranges: { text: string; sha1: string | undefined; chksum: string | undefined }[] = []
  const seen: { version: string | null; rangeAttributes: ReadonlyMap<string, string> } = {
    version: null,
    rangeAttributes: new Map(),
  }
  try {
    readXml(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1'), {
      open(name, attributes, path) {
        if (path.length === 1) {
          if (name !== 'bmap') throw new XmlError(`<${name}> instead of <bmap>`)
          seen.version = attributes.get('version') ?? null
        }
        if (isRange(path)) seen.rangeAttributes = attributes
      },
      close(name, inner, offset, path) {
        if (isRange(path)) {
          ranges.push({ text: inner, sha1: seen.rangeAttributes.get('sha1'), chksum: seen.rangeAttributes.get('chksum') })
        } else if (path.length === 2) {
          if (fields.has(name)) throw new XmlError(`<${name}> twice`)
          fields.set(name, { text: inner, offset })
        }
      },
    })
  } catch (thrown) {
    if (thrown instanceof XmlError) throw damaged(thrown.message)
    throw thrown
  }
  if (!fields.has('BlockMap')) throw damaged('it has no <BlockMap>')

  const checksums = checksumsOf(seen.version, fields)
  if (checksums) checkOwnChecksum(text, checksums.type, fields.get(checksums.fileField))

  const imageBytes = numberField(fields, 'ImageSize', Number.MAX_SAFE_INTEGER)
  const blockBytes = numberField(fields, 'BlockSize', maxBlockBytes)
  const blocks = numberField(fields, 'BlocksCount', Number.MAX_SAFE_INTEGER)
  const mappedBlocks = numberField(fields, 'MappedBlocksCount', Number.MAX_SAFE_INTEGER)
  if (imageBytes === 0 || blockBytes === 0) throw damaged('its image or block size is zero')
  if (blocks !== Math.ceil(imageBytes / blockBytes)) throw damaged('its block count does not fit its image size')

  const parsed = ranges.map((range) => {
    const { first, last } = blockRange(range.text)
    if (last >= blocks) throw damaged(`its range ${first}-${last} leaves the image`)
    const checksum = checksums ? checksumOf(range[checksums.attribute], checksums.type) : null
    return { first, last, checksum }
  })
  parsed.sort((a, b) => a.first - b.first)
  let counted = 0
  parsed.forEach((range, index) => {
    const before = parsed[index - 1]
    if (before && range.first <= before.last) throw damaged(`its ranges overlap at block ${range.first}`)
    counted += range.last - range.first + 1
  })
  if (counted !== mappedBlocks) throw damaged(`it says ${mappedBlocks} blocks are mapped and lists ${counted}`)

  const inBytes = parsed.map(({ first, last, checksum }) => ({
    start: first * blockBytes,
    end: Math.min((last + 1) * blockBytes, imageBytes),
    checksum,
  }))
  return {
    version: seen.version ?? '',
    imageBytes,
    blockBytes,
    mappedBytes: inBytes.reduce((sum, range) => sum + range.end - range.start, 0),
    checksumType: checksums?.type ?? null,
    ranges: inBytes,
  }
}

type Fields = ReadonlyMap<string, { text: string; offset: number }>

function isRange(path: readonly string[]): boolean {
  return path.length === 3 && path[1] === 'BlockMap' && path[2] === 'Range'
}

interface ChecksumFields {
  type: BmapChecksumType
  fileField: 'BmapFileSHA1' | 'BmapFileChecksum'
  attribute: 'sha1' | 'chksum'
}

function checksumsOf(version: string | null, fields: Fields): ChecksumFields | null {
  const parts = /^(\d{1,4})\.(\d{1,4})$/.exec(version ?? '')
  if (!parts) throw damaged('it names no version')
  const major = Number(parts[1])
  const minor = Number(parts[2])
  if (major === 1 && minor < 3) return null
  if (major === 1 && minor === 3) return { type: 'sha1', fileField: 'BmapFileSHA1', attribute: 'sha1' }
  if ((major === 1 && minor === 4) || major === 2) {
    const type = fields.get('ChecksumType')?.text.trim().toLowerCase()
    if (!isChecksumType(type)) throw damaged(`its checksum type "${type ?? ''}" is not known`)
    return { type, fileField: 'BmapFileChecksum', attribute: 'chksum' }
  }
  throw new LivecardError('data', 'bmap-version', {
    message: `The block map has version ${major}.${minor}; versions up to 2.0 are understood.`,
    meaning: 'Nothing was written.',
    next: 'Write without the block map (--bmap none), or use a newer Livecard.',
  })
}

function isChecksumType(text: string | undefined): text is BmapChecksumType {
  return text !== undefined && Object.hasOwn(digestHexLengths, text)
}

/** The file's checksum is that of the file with the checksum's own place filled with the character 0. */
function checkOwnChecksum(text: Uint8Array, type: BmapChecksumType, field: { text: string; offset: number } | undefined): void {
  const expected = checksumOf(field?.text.trim(), type)
  if (!field || expected === null) throw damaged('its own checksum is missing')
  const offset = field.offset + field.text.search(/\S/)
  const zeros = Buffer.alloc(expected.length, '0')
  const actual = createHash(type)
    .update(text.subarray(0, offset))
    .update(zeros)
    .update(text.subarray(offset + zeros.length))
    .digest('hex')
  if (actual !== expected) throw damaged('its own checksum is wrong')
}

function checksumOf(text: string | undefined, type: BmapChecksumType): string | null {
  if (text === undefined) return null
  const hex = text.trim().toLowerCase()
  if (hex.length !== digestHexLengths[type] || !/^[0-9a-f]+$/.test(hex))
    throw damaged(`"${hex.slice(0, 80)}" is not a ${type} checksum`)
  return hex
}

function numberField(fields: Fields, name: string, max: number): number {
  return wholeNumber(fields.get(name)?.text ?? '', `<${name}>`, max)
}

function wholeNumber(text: string, what: string, max: number): number {
  const digits = /^\s*(\d{1,16})\s*$/.exec(text)?.[1]
  const value = Number(digits)
  if (digits === undefined || value > max) throw damaged(`${what} is missing or not a usable number`)
  return value
}

/** "first-last", or one number in old files. */
function blockRange(text: string): { first: number; last: number } {
  const dash = text.indexOf('-')
  const first = wholeNumber(dash < 0 ? text : text.slice(0, dash), 'a range', Number.MAX_SAFE_INTEGER)
  const last = dash < 0 ? first : wholeNumber(text.slice(dash + 1), 'a range', Number.MAX_SAFE_INTEGER)
  if (last < first) throw damaged(`its range ${first}-${last} ends before it begins`)
  return { first, last }
}

function damaged(what: string): LivecardError {
  return new LivecardError('data', 'bmap-damaged', {
    message: `The block map (.bmap) is damaged: ${what}.`,
    meaning: 'It cannot be trusted to say which parts of the image matter. Nothing was written.',
    next: 'Download the .bmap again, or write the whole image without it (--bmap none).',
  })
}
