interface Kept<T> {
  value: T
  costBytes: number
}

/** The values that were used last, up to so many bytes; one that is larger than all of it is kept alone. */
export class Lru<T> {
  readonly #limitBytes: number
  readonly #kept = new Map<number, Kept<T>>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  has(key: number): boolean {
    return this.#kept.has(key)
  }

  get(key: number): T | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept.value
  }

  set(key: number, value: T, costBytes: number): void {
    this.#drop(key)
    this.#kept.set(key, { value, costBytes })
    this.#bytes += costBytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limitBytes || oldest === key) return
      this.#drop(oldest)
    }
  }

  #drop(key: number): void {
    const kept = this.#kept.get(key)
    if (!kept) return
    this.#kept.delete(key)
    this.#bytes -= kept.costBytes
  }
}
