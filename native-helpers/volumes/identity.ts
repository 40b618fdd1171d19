/** What blkid(8) prints of a volume: TYPE, LABEL and UUID. Null where it prints none. */
export interface Identity {
  type: string
  label: string | null
  uuid: string | null
}

/** A label as libblkid takes it: up to the first zero byte, without blanks at its end; null where nothing remains. */
export function labelText(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0)
  return trimmed(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8'))
}

export function labelUtf16(bytes: Uint8Array, order: 'little' | 'big'): string | null {
  const copy = Buffer.from(bytes.subarray(0, bytes.length & ~1))
  if (order === 'big') copy.swap16()
  const text = copy.toString('utf16le')
  const end = text.indexOf('\0')
  return trimmed(end < 0 ? text : text.slice(0, end))
}

function trimmed(text: string): string | null {
  return text.replace(/[ \t\n\v\f\r]+$/, '') || null
}

/** Sixteen bytes in the usual form; null where all are zero, which stands for none. */
export function uuidText(bytes: Uint8Array): string | null {
  if (bytes.length !== 16 || bytes.every((byte) => byte === 0)) return null
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The serial number of a FAT or exFAT: four bytes, little-endian, in capitals. */
export function serialText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).reverse().toString('hex').toUpperCase()
  return `${hex.slice(0, 4)}-${hex.slice(4, 8)}`
}

export function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  return bytes.length >= at + text.length && Buffer.from(text, 'latin1').equals(bytes.subarray(at, at + text.length))
}
