import { readFields, u8, u16, u32 } from './fields.ts'

/** Microsoft, "FAT: General Overview of On-Disk Format", 1.03: directory entries and long names. */
export const fatEntryBytes = 32
const entryFields = {
  attributes: u8(11),
  caseBits: u8(12),
  clusterHigh: u16(20),
  time: u16(22),
  date: u16(24),
  clusterLow: u16(26),
  sizeBytes: u32(28),
}
const attribute = { volume: 0x08, directory: 0x10, longName: 0x0f }
const longNameMask = 0x3f
const deleted = 0xe5
/** Stands for 0xe5 where that is the first letter. */
const kanjiFirst = 0x05
/** Windows NT: the part before, and the part behind the point are in small letters. */
const smallCase = { base: 0x08, extension: 0x10 }
const longPieces = [
  [1, 11],
  [14, 26],
  [28, 32],
] as const
const lastLongEntry = 0x40
const maxLongEntries = 20

/** Code page 437 from 0x80, which Linux takes where nothing else is said. */
const upperHalf =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'

export interface FatEntry {
  name: string
  isDirectory: boolean
  firstCluster: number
  sizeBytes: number
  modifiedSeconds: number | null
  /** Where its short entry stands in the directory, in bytes. */
  offset: number
}

/** The files and directories among the entries of a directory, without the label, itself and its parent. */
export function* fatEntries(directory: Uint8Array): Generator<FatEntry> {
  let long = new LongName()
  for (let at = 0; at + fatEntryBytes <= directory.length; at += fatEntryBytes) {
    const entry = directory.subarray(at, at + fatEntryBytes)
    const first = entry[0] ?? 0
    if (first === 0) return
    const raw = readFields(entryFields, entry)
    if (first !== deleted && (raw.attributes & longNameMask) === attribute.longName) {
      long.take(entry)
      continue
    }
    const name = long.finish(entry) ?? shortName(entry, raw.caseBits)
    long = new LongName()
    if (first === deleted || raw.attributes & attribute.volume || name === '.' || name === '..') continue
    yield {
      name,
      isDirectory: (raw.attributes & attribute.directory) !== 0,
      firstCluster: raw.clusterHigh * 0x1_0000 + raw.clusterLow,
      sizeBytes: raw.sizeBytes,
      modifiedSeconds: fatTime(raw.date, raw.time),
      offset: at,
    }
  }
}

/** Entries before the short one, the last part first, each with the checksum of the short name; what does not fit together is an orphan. */
class LongName {
  #parts: Buffer[] = []
  #expected = 0
  #sum = 0

  take(entry: Uint8Array): void {
    const order = entry[0] ?? 0
    const number = order & ~lastLongEntry
    const sum = entry[13] ?? 0
    const begins = (order & lastLongEntry) !== 0 && number > 0 && number <= maxLongEntries
    if (!begins && (number !== this.#expected || sum !== this.#sum || number === 0)) {
      this.#parts = []
      this.#expected = 0
      return
    }
    if (begins) this.#parts = []
    this.#sum = sum
    this.#expected = number - 1
    this.#parts.unshift(Buffer.concat(longPieces.map(([from, to]) => entry.subarray(from, to))))
  }

  finish(entry: Uint8Array): string | null {
    if (this.#parts.length === 0 || this.#expected !== 0 || shortNameSum(entry) !== this.#sum) return null
    const text = Buffer.concat(this.#parts).toString('utf16le')
    const end = text.indexOf('\0')
    const name = end < 0 ? text : text.slice(0, end)
    return name === '' || name.includes('/') ? null : name
  }
}

function shortNameSum(entry: Uint8Array): number {
  return entry.subarray(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0)
}

function shortName(entry: Uint8Array, caseBits: number): string {
  const part = (from: number, to: number, small: boolean): string => {
    const letters = Array.from(entry.subarray(from, to), (byte, index) => {
      const code = from + index === 0 && byte === kanjiFirst ? deleted : byte
      return code < 0x80 ? String.fromCharCode(code) : (upperHalf[code - 0x80] ?? '?')
    })
    const text = letters.join('').replace(/ +$/, '').replaceAll('/', '_').replaceAll('\0', '_')
    return small ? text.toLowerCase() : text
  }
  const base = part(0, 8, (caseBits & smallCase.base) !== 0)
  const extension = part(8, 11, (caseBits & smallCase.extension) !== 0)
  return extension === '' ? base : `${base}.${extension}`
}

/** Local time of whoever wrote it, in steps of two seconds. */
function fatTime(date: number, time: number): number | null {
  const month = (date >> 5) & 15
  const day = date & 31
  if (month === 0 || day === 0) return null
  return Date.UTC(1980 + (date >> 9), month - 1, day, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000
}
