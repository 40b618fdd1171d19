/**
 * Names on a volume are bytes. As strings they are UTF-8, and bytes that are not valid UTF-8 become the lone surrogates U+DC80 to U+DCFF, one each (as Python's "surrogateescape"),
 * so that every name has a string and every such string leads back to exactly its bytes.
 */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

const escapeBase = 0xdc00

export function decodeName(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    return decodePieces(bytes)
  }
}

/** The longest valid pieces as they are, and each byte between them escaped. */
function decodePieces(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length === 0) text += String.fromCharCode(escapeBase + (bytes[at] ?? 0))
    else text += strict.decode(bytes.subarray(at, at + length))
    at += Math.max(1, length)
  }
  return text
}

/** Of the valid UTF-8 sequence that starts at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (length === 0 || at + length > bytes.length) return 0
  try {
    strict.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

const nothing = new Uint8Array(0)
const escaped = /[\udc80-\udcff]/
/** In this mode an escape inside a pair of surrogates is not one. */
const pieces = /[\udc80-\udcff]|[^\udc80-\udcff]+/gu

export function encodeName(text: string): Uint8Array {
  if (text === '') return nothing
  if (!escaped.test(text)) {
    const { buffer, byteOffset, length } = Buffer.from(text)
    return new Uint8Array(buffer, byteOffset, length)
  }
  const parts = [...text.matchAll(pieces)].map(([piece]) => {
    const code = piece.length === 1 ? piece.charCodeAt(0) : 0
    return code >= 0xdc80 && code <= 0xdcff ? Uint8Array.of(code - escapeBase) : encoder.encode(piece)
  })
  return Buffer.concat(parts)
}

/** For people: what cannot be shown is a replacement character. */
export function displayName(name: string): string {
  return name.toWellFormed()
}
