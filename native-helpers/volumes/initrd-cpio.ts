/**
 * Archives of an initial RAM disk (Documentation/driver-api/early-userspace/buffer-format.rst): "newc", magic 070701, or 070702 with checksums; numbers of
 * eight hexadecimal digits; the name and the content each filled up to four bytes.
 */
const headerBytes = 110
const sizeAt = 54
const nameSizeAt = 94
const numberDigits = 8
const endName = 'TRAILER!!!'
/** PATH_MAX */
const maxNameBytes = 4096
const maxEntries = 2_000_000
const maxVersions = 16
const modulesPattern = /^(?:\.?\/)?(?:usr\/)?lib\/modules\/([^/]+)/
const microcodePattern = /^(?:\.\/)?kernel\/x86\/microcode\//

/** Follows archives as their bytes pass by; only looks at headers and names. */
export class CpioWalker {
  entries = 0
  /** How many archives came to their end. */
  archives = 0
  /** For which kernels there are modules, by the folders that hold them. */
  readonly moduleVersions = new Set<string>()
  hasMicrocode = false
  /** Why it is no such archive; nothing more is looked at then. */
  damage: string | null = null
  #expect: 'between' | 'header' | 'name' = 'between'
  #collected = Buffer.alloc(0)
  #needed = 0
  #skip = 0
  #contentBytes = 0
  #at = 0

  /** Nothing has begun that would have to end: before the first archive, and behind the end of one. */
  get between(): boolean {
    return this.#expect === 'between' && this.#skip === 0
  }

  /** How many of the next bytes carry nothing that must be seen. */
  get skippable(): number {
    return this.#skip
  }

  /** How many of the next bytes must be seen before it can be said what may be left out. */
  get wanted(): number {
    return this.#expect === 'between' ? 1 : this.#needed - this.#collected.length
  }

  /** Between archives: that the next byte stands there. A packed part counts from its own beginning. */
  placeAt(offset: number): void {
    this.#at = offset
  }

  skipped(bytes: number): void {
    this.#skip -= bytes
    this.#at += bytes
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.damage === null; ) {
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, bytes.length - at)
        this.skipped(count)
        at += count
      } else if (this.#expect === 'between') at += this.#begin(bytes, at)
      else at += this.#collect(bytes.subarray(at))
    }
  }

  /** Zeros fill the space between archives, which begin at a multiple of four. */
  #begin(bytes: Uint8Array, from: number): number {
    let at = from
    while (at < bytes.length && bytes[at] === 0) at += 1
    this.#at += at - from
    if (at === bytes.length) return at - from
    if (bytes[at] !== 0x30 || this.#at % 4 !== 0) this.damage = 'something that is no archive stands in it'
    this.#want('header', headerBytes)
    return at - from
  }

  #want(expect: 'header' | 'name', bytes: number): void {
    this.#expect = expect
    this.#needed = bytes
    this.#collected = Buffer.alloc(0)
  }

  #collect(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.#needed - this.#collected.length)
    this.#collected = Buffer.concat([this.#collected, part])
    this.#at += part.length
    if (this.#collected.length === this.#needed) {
      if (this.#expect === 'header') this.#readHeader(this.#collected)
      else this.#readName(this.#collected)
    }
    return part.length
  }

  #readHeader(header: Buffer): void {
    const number = (at: number): number => {
      const text = header.toString('latin1', at, at + numberDigits)
      return /^[0-9A-Fa-f]{8}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN
    }
    const nameBytes = number(nameSizeAt)
    this.#contentBytes = number(sizeAt)
    const isHeader = /^07070[12]$/.test(header.toString('latin1', 0, 6))
    if (!isHeader || Number.isNaN(this.#contentBytes) || !(nameBytes > 0 && nameBytes <= maxNameBytes)) {
      this.damage = `an entry behind the first ${this.entries} is none`
      return
    }
    // The name begins two bytes behind a multiple of four, so that it is filled up with its header.
    this.#want('name', nameBytes + fill(headerBytes + nameBytes))
  }

  #readName(stored: Buffer): void {
    const name = stored.toString('utf8', 0, Math.max(0, stored.indexOf(0)))
    this.#skip = this.#contentBytes + fill(this.#contentBytes)
    if (name === endName) {
      this.archives += 1
      this.#expect = 'between'
      return
    }
    this.entries += 1
    if (this.entries > maxEntries) this.damage = `it has more than ${maxEntries} entries`
    const version = modulesPattern.exec(name)?.[1]
    if (version && this.moduleVersions.size < maxVersions) this.moduleVersions.add(version)
    if (microcodePattern.test(name)) this.hasMicrocode = true
    this.#want('header', headerBytes)
  }
}

function fill(bytes: number): number {
  return (4 - (bytes % 4)) % 4
}
