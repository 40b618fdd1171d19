const pageBlocks = 1024

/** A number for some of the blocks of a device, by the block's own: four bytes each, in pages where there are any. */
export class BlockIndex {
  readonly #pages = new Map<number, Uint32Array>()
  #lastNumber = -1
  #last: Uint32Array | undefined
  #count = 0

  /** How many blocks have one. */
  get count(): number {
    return this.#count
  }

  /** -1 where there is none. */
  get(block: number): number {
    const page = this.#page(Math.floor(block / pageBlocks))
    return page ? (page[block % pageBlocks] ?? 0) - 1 : -1
  }

  /** `value`: from 0, below 2^32 - 1. */
  set(block: number, value: number): void {
    const number = Math.floor(block / pageBlocks)
    let page = this.#page(number)
    if (!page) {
      page = new Uint32Array(pageBlocks)
      this.#pages.set(number, page)
      this.#lastNumber = number
      this.#last = page
    }
    if (page[block % pageBlocks] === 0) this.#count += 1
    page[block % pageBlocks] = value + 1
  }

  clear(): void {
    this.#pages.clear()
    this.#lastNumber = -1
    this.#last = undefined
    this.#count = 0
  }

  /** The blocks that have one, ascending. Not to be changed meanwhile. */
  *blocks(): Generator<number> {
    for (const number of Float64Array.from(this.#pages.keys()).sort()) {
      const page = this.#pages.get(number) ?? new Uint32Array()
      for (let at = 0; at < page.length; at += 1) if (page[at] !== 0) yield number * pageBlocks + at
    }
  }

  #page(number: number): Uint32Array | undefined {
    if (number !== this.#lastNumber) {
      this.#last = this.#pages.get(number)
      this.#lastNumber = number
    }
    return this.#last
  }
}
