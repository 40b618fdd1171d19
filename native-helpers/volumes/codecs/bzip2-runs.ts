/** The outermost layer of bzip2: four equal bytes are followed by a count of up to 255 more. */

/** How long `bytes` become. */
export function expandedLength(bytes: Uint8Array, length: number): number {
  let sum = 0
  let same = 0
  let last = -1
  for (let index = 0; index < length; index++) {
    const byte = bytes[index] as number
    if (same === 4) {
      sum += byte
      same = 0
      last = -1
      continue
    }
    same = byte === last ? same + 1 : 1
    last = byte
    sum++
  }
  return sum
}

/** CRC-32 with the most significant bit first, as bzip2 has it. */
const crcTable = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

const scratch = new Uint8Array(64 * 1024)

/** Passes on the expanded bytes, in pieces that are valid until the next one; answers their CRC. */
export function expandRuns(bytes: Uint8Array, length: number, pass: (piece: Uint8Array) => void): number {
  let crc = -1
  let same = 0
  let last = -1
  let filled = 0
  for (let index = 0; index < length; index++) {
    const byte = bytes[index] as number
    if (filled > scratch.length - 256) {
      pass(scratch.subarray(0, filled))
      filled = 0
    }
    if (same === 4) {
      for (let count = byte; count > 0; count--) {
        crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ last] as number)
        scratch[filled++] = last
      }
      same = 0
      last = -1
      continue
    }
    same = byte === last ? same + 1 : 1
    last = byte
    crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ byte] as number)
    scratch[filled++] = byte
  }
  if (filled > 0) pass(scratch.subarray(0, filled))
  return ~crc >>> 0
}
