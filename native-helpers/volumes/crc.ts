/** CRC-32C (Castagnoli) and CRC-16 (ANSI), both reflected, as ext4 uses them: the caller gives the start value, nothing is inverted at the end. */
const crc32cTable = reflectedTable(0x82f63b78)
const crc16Table = reflectedTable(0xa001)

function reflectedTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value >>> 0
  })
}

export function crc32c(start: number, bytes: Uint8Array): number {
  return update(crc32cTable, start, bytes)
}

export function crc16(start: number, bytes: Uint8Array): number {
  return update(crc16Table, start, bytes)
}

function update(table: Uint32Array, start: number, bytes: Uint8Array): number {
  let value = start
  for (let at = 0; at < bytes.length; at += 1) {
    value = (table[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8)
  }
  return value >>> 0
}
