import { readFields, u32 } from './fields.ts'

/**
 * System use entries of the SUSP (IEEE P1281) and what the RRIP (IEEE P1282) makes of them: two letters, length, version, content.
 * Numbers stand in both byte orders; the little-endian ones are read.
 */
const headBytes = 4
const continuationFields = { block: u32(4), offset: u32(12), length: u32(20) }
const attributesFields = { mode: u32(4), ownerId: u32(20), groupId: u32(28) }
const childFields = { block: u32(4) }
const nameFlags = { continues: 1, current: 2, parent: 4 }
const linkFlags = { continues: 1, current: 2, parent: 4, root: 8 }
const timeFlags = { modified: 2, long: 0x80 }
/** A record may lead to a further area, and that to another. */
const maxAreas = 16
const maxTextBytes = 65536

export interface RockRidge {
  name: string | null
  /** With the bits of the kind. */
  mode: number | null
  ownerId: number | null
  groupId: number | null
  modifiedSeconds: number | null
  target: string | null
  /** The directory really lies there, because it was too deep for ISO 9660. */
  childBlock: number | null
  /** A directory that was moved here; it is shown where it came from. */
  relocated: boolean
  /** Its content is compressed by zisofs. */
  compressed: boolean
}

/** How many bytes of each system use area belong to something else, told by the root's own record; null where there is no Rock Ridge. */
export function susSkipBytes(area: Uint8Array): number | null {
  const isSharing = area[0] === 0x53 && area[1] === 0x50 && area[4] === 0xbe && area[5] === 0xef
  return isSharing ? (area[6] ?? 0) : null
}

export function readRockRidge(
  area: Uint8Array,
  blockBytes: number,
  read: (start: number, length: number) => Uint8Array | null,
): RockRidge {
  const found: RockRidge = {
    name: null,
    mode: null,
    ownerId: null,
    groupId: null,
    modifiedSeconds: null,
    target: null,
    childBlock: null,
    relocated: false,
    compressed: false,
  }
  const name: Uint8Array[] = []
  const link = new LinkText()
  let rest: Uint8Array | null = area
  for (let areas = 0; rest && areas < maxAreas; areas += 1) {
    const here: Uint8Array = rest
    rest = null
    for (let at = 0; at + headBytes <= here.length; ) {
      const length = here[at + 2] ?? 0
      if (length < headBytes || at + length > here.length) break
      const entry = here.subarray(at, at + length)
      const signature = String.fromCharCode(entry[0] ?? 0, entry[1] ?? 0)
      if (signature === 'ST') break
      if (signature === 'CE') {
        const next = readFields(continuationFields, entry)
        rest = next.length <= blockBytes ? read(next.block * blockBytes + next.offset, next.length) : null
      } else if (signature === 'NM') {
        const flags = entry[4] ?? 0
        if (!(flags & (nameFlags.current | nameFlags.parent))) name.push(entry.subarray(5))
      } else if (signature === 'SL') link.add(entry)
      else if (signature === 'PX') Object.assign(found, readFields(attributesFields, entry))
      else if (signature === 'TF') found.modifiedSeconds = modifiedTime(entry)
      else if (signature === 'CL') found.childBlock = readFields(childFields, entry).block
      else if (signature === 'RE') found.relocated = true
      else if (signature === 'ZF') found.compressed = true
      at += length
    }
  }
  if (name.length > 0) found.name = Buffer.concat(name).toString('utf8')
  found.target = link.text()
  return found
}

/** Components of a path; a flag of the entry says that the next entry goes on with them, one of a component that it is a part only. */
class LinkText {
  readonly #parts: string[] = []
  #open = ''
  #bytes = 0
  #seen = false

  add(entry: Uint8Array): void {
    this.#seen = true
    for (let at = 5; at + 2 <= entry.length && this.#bytes < maxTextBytes; ) {
      const flags = entry[at] ?? 0
      const length = entry[at + 1] ?? 0
      const content = Buffer.from(entry.subarray(at + 2, at + 2 + length)).toString('latin1')
      this.#bytes += length + 1
      if (flags & linkFlags.root) this.#parts.push('')
      else if (flags & linkFlags.current) this.#parts.push('.')
      else if (flags & linkFlags.parent) this.#parts.push('..')
      else {
        this.#open += content
        if (!(flags & linkFlags.continues)) {
          this.#parts.push(this.#open)
          this.#open = ''
        }
      }
      at += 2 + length
    }
  }

  text(): string | null {
    if (!this.#seen) return null
    const text = [...this.#parts, ...(this.#open ? [this.#open] : [])].join('/')
    return Buffer.from(text === '' && this.#parts.length > 0 ? '/' : text, 'latin1').toString('utf8')
  }
}

/** Times stand in the order of the bits of the flags; the modification is the second. */
function modifiedTime(entry: Uint8Array): number | null {
  const flags = entry[4] ?? 0
  if (!(flags & timeFlags.modified)) return null
  const length = flags & timeFlags.long ? 17 : 7
  const start = 5 + (flags & 1 ? length : 0)
  const time = entry.subarray(start, start + length)
  if (time.length < length) return null
  return flags & timeFlags.long ? longTime(time) : shortTime(time)
}

/** ECMA-119, 9.1.5: years from 1900 and so on, the last one the offset from GMT in quarters of an hour. */
export function shortTime(time: Uint8Array): number | null {
  const [years = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0] = time
  if (month === 0 || day === 0) return null
  return Date.UTC(1900 + years, month - 1, day, hour, minute, second) / 1000 - quarterHours(offset)
}

function longTime(time: Uint8Array): number | null {
  const digits = Buffer.from(time.subarray(0, 14)).toString('latin1')
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits)
  if (!match) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - quarterHours(time[16] ?? 0)
}

function quarterHours(offset: number): number {
  return (offset > 0x7f ? offset - 0x100 : offset) * 15 * 60
}
