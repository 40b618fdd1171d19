/** A queue that gives back what has the smallest key first. */
export class MinHeap<T> {
  readonly #items: { key: number; value: T }[] = []

  get size(): number {
    return this.#items.length
  }

  push(key: number, value: T): void {
    const items = this.#items
    let at = items.length
    items.push({ key, value })
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfSmaller(at, parent)) break
      at = parent
    }
  }

  pop(): T | null {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (!first || !last) return null
    if (items.length === 0) return first.value
    items[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#isSmaller(left + 1, left) ? left + 1 : left
      if (!this.#swapIfSmaller(child, at)) return first.value
      at = child
    }
  }

  #isSmaller(a: number, b: number): boolean {
    const itemA = this.#items[a]
    const itemB = this.#items[b]
    return itemA !== undefined && itemB !== undefined && itemA.key < itemB.key
  }

  #swapIfSmaller(a: number, b: number): boolean {
    const itemA = this.#items[a]
    const itemB = this.#items[b]
    if (!itemA || !itemB || itemA.key >= itemB.key) return false
    this.#items[a] = itemB
    this.#items[b] = itemA
    return true
  }
}
