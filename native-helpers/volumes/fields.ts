/** Where a number lies in an on-disk structure, little-endian. */
export interface Field {
  readonly offset: number
  readonly bytes: 1 | 2 | 4 | 8
}

export const u8 = (offset: number): Field => ({ offset, bytes: 1 })
export const u16 = (offset: number): Field => ({ offset, bytes: 2 })
export const u32 = (offset: number): Field => ({ offset, bytes: 4 })
export const u64 = (offset: number): Field => ({ offset, bytes: 8 })

/**
 * Reads the numbers of a field table. A field that lies outside of the bytes reads as 0, as in a structure that an older version wrote
 * shorter; who needs it to be there checks the length. A 64-bit number beyond 2^53 reads as Infinity, which no limit lets pass.
 */
export function readFields<Table extends Record<string, Field>>(table: Table, bytes: Uint8Array): Record<keyof Table, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: Record<string, number> = {}
  for (const [name, field] of entriesOf(table)) {
    values[name] = field.offset + field.bytes <= bytes.length ? readNumber(view, field) : 0
  }
  return values as Record<keyof Table, number>
}

/** Tables are few and read by the million. */
const known = new WeakMap<object, [string, Field][]>()

function entriesOf(table: Record<string, Field>): [string, Field][] {
  const entries = known.get(table) ?? Object.entries(table)
  if (!known.has(table)) known.set(table, entries)
  return entries
}

/** One field of a structure that begins at `base`, for what is read so often that an object for all of them would cost. The bytes must be there. */
export function readNumber(view: DataView, { offset, bytes }: Field, base = 0): number {
  const at = base + offset
  switch (bytes) {
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at, true)
    case 4:
      return view.getUint32(at, true)
    case 8: {
      const high = view.getUint32(at + 4, true)
      const value = high * 0x1_0000_0000 + view.getUint32(at, true)
      return high < 0x20_0000 ? value : Number.POSITIVE_INFINITY
    }
  }
}

/** Text up to the first zero byte. */
export function zeroTerminated(bytes: Uint8Array, offset: number, length: number): string {
  const field = Buffer.from(bytes.subarray(offset, offset + length))
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? undefined : end).toString('utf8')
}

export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isSafeInteger(value) && 2 ** Math.round(Math.log2(value)) === value
}
