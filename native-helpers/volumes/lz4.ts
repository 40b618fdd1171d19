/**
 * Decodes one LZ4 block (lz4_Block_format.md) into `into`; stops when that is full. Returns how many bytes came out, or null where the block
 * is damaged.
 */
export function decodeLz4(block: Uint8Array, into: Uint8Array): number | null {
  let at = 0
  let out = 0
  const longLength = (first: number): number | null => {
    let length = first
    if (first !== 15) return length
    for (let byte = 255; byte === 255; at += 1) {
      byte = block[at] ?? -1
      if (byte < 0) return null
      length += byte
    }
    return length
  }
  while (at < block.length && out < into.length) {
    const token = block[at] ?? 0
    at += 1
    const literals = longLength(token >> 4)
    if (literals === null) return null
    const count = Math.min(literals, into.length - out)
    if (at + count > block.length) return null
    into.set(block.subarray(at, at + count), out)
    at += literals
    out += count
    if (out === into.length || at >= block.length) break
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8)
    at += 2
    const matched = longLength(token & 15)
    if (matched === null || at > block.length || distance === 0 || distance > out) return null
    const end = Math.min(into.length, out + matched + 4)
    // Source and target may overlap: what was just written is read again.
    if (distance >= end - out) into.copyWithin(out, out - distance, end - distance)
    else for (let to = out; to < end; to += 1) into[to] = into[to - distance] ?? 0
    out = end
  }
  return out
}
