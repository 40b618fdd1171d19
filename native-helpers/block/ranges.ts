/** Lists of places: ascending, none of them over another. */
export interface Range {
  offset: number
  lengthBytes: number
}

/** What of `ranges` lies in none of `others`, and what does: cut where one of these begins or ends. */
export function divide<R extends Range>(ranges: readonly R[], others: readonly Range[]): { outside: R[]; inside: R[] } {
  const outside: R[] = []
  const inside: R[] = []
  let next = 0
  for (const range of ranges) {
    const end = range.offset + range.lengthBytes
    while (next < others.length && endOf(others[next]) <= range.offset) next += 1
    let at = range.offset
    for (let index = next; at < end; index += 1) {
      const other = others[index]
      const from = Math.min(end, other ? Math.max(at, other.offset) : end)
      if (from > at) outside.push({ ...range, offset: at, lengthBytes: from - at })
      at = Math.min(end, endOf(other))
      if (at > from) inside.push({ ...range, offset: from, lengthBytes: at - from })
    }
  }
  return { outside, inside }
}

/** Of any list, also one out of order: the places that any of them covers. */
export function joined(ranges: readonly Range[]): Range[] {
  const all: Range[] = []
  for (const { offset, lengthBytes } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = all.at(-1)
    if (last && offset <= endOf(last)) last.lengthBytes = Math.max(endOf(last), offset + lengthBytes) - last.offset
    else all.push({ offset, lengthBytes })
  }
  return all
}

function endOf(range: Range | undefined): number {
  return range ? range.offset + range.lengthBytes : Number.POSITIVE_INFINITY
}
