/** The 512-byte header of POSIX.1-1988 (ustar), and how GNU tar and pax stretch it. */
import { LivecardError } from '../../errors.ts'

export const blockBytes = 512

/** Field: offset and length. pax(1), "ustar Interchange Format". */
export const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  modified: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const

type Field = readonly [offset: number, length: number]

export const type = {
  file: '0',
  hardLink: '1',
  link: '2',
  char: '3',
  block: '4',
  folder: '5',
  fifo: '6',
  /** As a file, on systems that have no such kind. */
  contiguous: '7',
  pax: 'x',
  paxGlobal: 'g',
  gnuLongName: 'L',
  gnuLongLink: 'K',
  gnuSparse: 'S',
} as const

/** The largest number that an octal field of that length holds. */
export function mostOctal([, length]: Field): number {
  return 8 ** (length - 1) - 1
}

export function putOctal(header: Uint8Array, where: Field, value: number): void {
  const [offset, length] = where
  // What does not fit is zero here and stands in a pax record.
  let rest = value >= 0 && value <= mostOctal(where) ? value : 0
  for (let at = offset + length - 2; at >= offset; at -= 1) {
    header[at] = 0x30 + (rest % 8)
    rest = Math.floor(rest / 8)
  }
  header[offset + length - 1] = 0
}

export function putBytes(header: Uint8Array, [offset, length]: Field, bytes: Uint8Array): void {
  header.set(bytes.subarray(0, length), offset)
}

export function takeBytes(header: Uint8Array, [offset, length]: Field): Uint8Array {
  const bytes = header.subarray(offset, offset + length)
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

/** Octal digits; or, with the highest bit set, GNU's big-endian binary number. */
export function takeNumber(header: Uint8Array, where: Field): number {
  const [offset, length] = where
  const first = header[offset] ?? 0
  if ((first & 0x80) === 0) {
    const digits = Buffer.from(takeBytes(header, where)).toString('latin1').trim()
    if (!/^[0-7]*$/.test(digits)) throw badArchive('a number in a header is none')
    return digits === '' ? 0 : Number.parseInt(digits, 8)
  }
  let value = BigInt(first & 0x7f)
  for (const byte of header.subarray(offset + 1, offset + length)) value = (value << 8n) | BigInt(byte)
  if (first & 0x40) value -= 1n << BigInt(length * 8 - 1)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
    throw badArchive('a number is beyond all measure')
  return Number(value)
}

/** The sum of all bytes, with spaces in place of the sum itself. */
export function checksum(header: Uint8Array): number {
  const [start, length] = field.checksum
  let sum = length * 0x20
  for (let at = 0; at < blockBytes; at += 1) sum += header[at] ?? 0
  for (let at = start; at < start + length; at += 1) sum -= header[at] ?? 0
  return sum
}

export function padding(length: number): number {
  return (blockBytes - (length % blockBytes)) % blockBytes
}

export function badArchive(why: string): LivecardError {
  return new LivecardError('data', 'tar-damaged', {
    message: `The archive is damaged: ${why}.`,
    meaning: 'What stands behind this place in the archive cannot be read.',
    next: 'Compare it with its checksum, or take another copy.',
  })
}
