import type { BlockDevice } from '../../block/device.ts'

const headBytes = 1024 * 1024
const sampleBytes = 16 * 1024
const samples = 64

/**
 * Whether two volumes hold the same, as far as looking at their beginnings and at samples all over them tells: everything that a file system is described
 * by lies in the first part, and reading both to the end takes minutes on a card. Null where either is empty.
 */
export function sameContent(a: BlockDevice, b: BlockDevice): boolean | null {
  const length = Math.min(a.size, b.size)
  if (length === 0) return null
  if (!samePiece(a, b, 0, Math.min(headBytes, length))) return false
  const step = (length - headBytes) / samples
  for (let at = headBytes; step > 0 && at < length; at += Math.max(step, sampleBytes)) {
    const start = Math.floor(at)
    if (!samePiece(a, b, start, Math.min(sampleBytes, length - start))) return false
  }
  return true
}

function samePiece(a: BlockDevice, b: BlockDevice, start: number, length: number): boolean {
  const one = new Uint8Array(length)
  const other = new Uint8Array(length)
  a.readSync(one, start)
  b.readSync(other, start)
  return Buffer.compare(one, other) === 0
}
