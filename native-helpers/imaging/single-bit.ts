/** The reflected CRC-32 polynomial of zlib, zip and Ethernet. */
const polynomial = 0xedb88320

/**
 * Where a single flipped bit is, told from two CRC-32 of a cell alone: the byte's offset, or null when more than one bit differs.
 *
 * CRC-32 is linear: the difference of two sums depends only on which bits differ, not on the data. One flipped bit, `d` bits before the end of
 * the cell, makes the difference x^(31 + d) modulo the polynomial; so that power is stepped through until it fits. (By chance a larger damage looks like
 * one bit once in 2^32 / bits of the cell, which is 1 in 8192.)
 */
export function flippedBitAt(expectedSum: number, foundSum: number, lengthBytes: number): number | null {
  const difference = (expectedSum ^ foundSum) >>> 0
  if (difference === 0) return null
  // Within the last byte, bit 7 is the last one that the (reflected) sum takes in.
  let power = polynomial
  for (let distance = 0; distance < lengthBytes * 8; distance += 1) {
    if (power >>> 0 === difference) return lengthBytes - 1 - Math.floor(distance / 8)
    power = power & 1 ? (power >>> 1) ^ polynomial : power >>> 1
  }
  return null
}
