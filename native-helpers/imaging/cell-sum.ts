import { randomFillSync } from 'node:crypto'
import { alignedBuffer, memoryOf } from '../block/aligned.ts'
import { cellSumModule, pieceBytes } from './cell-sum-module.ts'

/** The largest piece that `cellSum` takes. */
export const sumCellBytes = 64 * 1024

type Sum = (at: number, pieces: number) => bigint

const keys = new WebAssembly.Memory({ initial: 1, maximum: 1 })
randomFillSync(new Uint8Array(keys.buffer, 0, pieceBytes))

const sums = new WeakMap<WebAssembly.Memory, Sum>()
const modules = new Map<boolean, WebAssembly.Module>()
const scratch = alignedBuffer(sumCellBytes)

/**
 * A 64-bit sum of at most 64 KiB, to tell whether what is read back is what was written: NH, the universal hash of UMAC (RFC 4418), per KiB, combined by
 * multiplication. Two different KiB have the same NH with a probability of 2^-32 at most, whatever they are, as the keys are random in each process; so a
 * cell in which one thing went wrong passes unseen once in 4 billion times, and lost or swapped erase blocks, of many cells, practically never.
 *
 * Chosen by measurement, in MiB/s of one core, in blocks of 64 KiB: CRC-32 of Node's zlib 6000, XXH3 of hash-wasm (which copies) 5000, SHA-1 1900; this one
 * 15000 and more, near what memory gives. That is what leaves a fast drive to be the limit, and not us.
 *
 * The sums mean nothing outside of this process.
 */
export function cellSum(bytes: Uint8Array): bigint {
  const memory = bytes.length % pieceBytes === 0 ? memoryOf(bytes) : null
  if (memory) return BigInt.asUintN(64, sumOver(memory)(bytes.byteOffset, bytes.length / pieceBytes))
  scratch.set(bytes)
  const padded = Math.ceil(bytes.length / pieceBytes) * pieceBytes
  scratch.fill(0, bytes.length, padded)
  return cellSum(scratch.subarray(0, padded))
}

function sumOver(memory: WebAssembly.Memory): Sum {
  const known = sums.get(memory)
  if (known) return known
  const shared = memory.buffer instanceof SharedArrayBuffer
  const module = modules.get(shared) ?? new WebAssembly.Module(cellSumModule(shared))
  modules.set(shared, module)
  const sum = new WebAssembly.Instance(module, { m: { data: memory, keys } }).exports.sum as (at: number, pieces: number) => bigint
  sums.set(memory, sum)
  return sum
}

/** For threads that compare with what was summed here, and for tests, which sum by the book. */
export function sumKeys(): Uint8Array {
  return new Uint8Array(keys.buffer, 0, pieceBytes).slice()
}

/** In a thread: sums like the thread that `sumKeys` was called in. */
export function setSumKeys(given: Uint8Array): void {
  new Uint8Array(keys.buffer, 0, pieceBytes).set(given)
}
