import { Structure } from './structure.ts'

/** Microsoft, "FAT: General Overview of On-Disk Format", 1.03: short and long directory entries. */
export const entryBytes = 32
export const attribute = { readOnly: 1, label: 8, folder: 0x10, file: 0x20, longName: 0x0f }
const lastLong = 0x40
const unitsPerEntry = 13
/** Where the thirteen units of UTF-16 lie in a long entry. */
const unitOffsets = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]

export interface ShortEntry {
  attributes: number
  cluster: number
  sizeBytes: number
  modifiedSeconds: number
}

const longestName = 255
/** No system takes these in a long name; a point or blank at its end Windows leaves out. */
const impossible = /[\p{Cc}"*/:<>?\\|]|[. ]$/u

/** Short names of one folder, each once. Throws for a long name that cannot be, or that another one is but for its case. */
export class ShortNames {
  readonly #taken = new Set<string>()
  readonly #folded = new Set<string>()

  /** Eleven characters, filled with blanks; and whether a long name has to stand before it. */
  next(name: string): { short: string; needsLong: boolean } {
    if (name.length > longestName || impossible.test(name)) throw new RangeError(`"${name}" cannot be a name in a FAT`)
    const folded = name.toLowerCase()
    if (this.#folded.has(folded)) throw new RangeError(`"${name}" differs from another name in its folder by its case only`)
    this.#folded.add(folded)
    const plain = /^([A-Z0-9_$%'@~`!(){}^#&-]{1,8})(?:\.([A-Z0-9_$%'@~`!(){}^#&-]{1,3}))?$/.exec(name)
    if (plain) {
      const short = (plain[1] ?? '').padEnd(8) + (plain[2] ?? '').padEnd(3)
      if (!this.#taken.has(short)) {
        this.#taken.add(short)
        return { short, needsLong: false }
      }
    }
    const dot = name.lastIndexOf('.')
    const clean = (text: string) => text.toUpperCase().replace(/[^A-Z0-9_$%'@~`!(){}^#&-]/g, '_')
    const base = clean((dot > 0 ? name.slice(0, dot) : name).replace(/[ .]/g, '')) || '_'
    const ending = dot > 0 ? clean(name.slice(dot + 1).replace(/[ .]/g, '')).slice(0, 3) : ''
    for (let number = 1; ; number += 1) {
      const tail = `~${number}`
      const short = (base.slice(0, 8 - tail.length) + tail).padEnd(8) + ending.padEnd(3)
      if (this.#taken.has(short)) continue
      this.#taken.add(short)
      return { short, needsLong: true }
    }
  }
}

/** The long entries of a name, the last part first, and the short one. */
export function directoryEntries(name: string, short: string, needsLong: boolean, facts: ShortEntry): Uint8Array[] {
  const parts = needsLong ? longEntries(name, checksum(short)) : []
  return [...parts, shortEntry(short, facts)]
}

export function shortEntry(short: string, { attributes, cluster, sizeBytes, modifiedSeconds }: ShortEntry): Uint8Array {
  const { date, time } = dosTime(modifiedSeconds)
  const entry = new Structure(entryBytes).text(0, 11, short, 0x20).u8(11, attributes)
  entry
    .u16(14, time)
    .u16(16, date)
    .u16(18, date)
    .u16(20, cluster >>> 16)
  return entry
    .u16(22, time)
    .u16(24, date)
    .u16(26, cluster & 0xffff)
    .u32(28, sizeBytes).bytes
}

function longEntries(name: string, sum: number): Uint8Array[] {
  const count = Math.ceil(name.length / unitsPerEntry)
  return Array.from({ length: count }, (_, index) => {
    const order = count - index
    const entry = new Structure(entryBytes)
      .u8(0, order | (index === 0 ? lastLong : 0))
      .u8(11, attribute.longName)
      .u8(13, sum)
    for (const [at, offset] of unitOffsets.entries()) {
      const place = (order - 1) * unitsPerEntry + at
      // A name ends with a zero, and what comes behind that is all ones.
      entry.u16(offset, place < name.length ? name.charCodeAt(place) : place === name.length ? 0 : 0xffff)
    }
    return entry.bytes
  })
}

function checksum(short: string): number {
  return [...Buffer.from(short, 'latin1')].reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0)
}

function dosTime(seconds: number): { date: number; time: number } {
  const at = new Date(Math.max(seconds, 315_532_800) * 1000)
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  return { date, time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1) }
}
