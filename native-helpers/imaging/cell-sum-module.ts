/**
 * The inner loop of the read-back sum as a WebAssembly module, put together here because it has to import the very memory in which the blocks lie:
 * nothing is copied. It needs 128-bit vectors and two memories (the blocks, and the keys), which every engine since 2023 has.
 *
 *   sum(at: i32, pieces: i32) → i64     over `pieces` × 1024 bytes of the first memory
 *
 * Written out for one piece (all words 32 bits, little endian; products and sums modulo 2^64):
 *   NH = Σ over 32-byte groups, Σ over i in 0…3:  (a[i] + k[i]) · (b[i] + k[i + 4])     a = the group's first 16 bytes, b = its last 16
 * with the even and odd products kept apart in two 64-bit lanes, and over the pieces, for each lane:
 *   h = (h + NH) · multiplier,     result = h0 + h1 · foldMultiplier
 */
export const pieceBytes = 1024
export const multiplier = 0x9e3779b185ebca87n
export const foldMultiplier = 0xc2b2ae3d27d4eb4fn

const groupsPerTurn = 4
const groupBytes = 32

const i32 = 0x7f
const i64 = 0x7e
const v128 = 0x7b

const localGet = (index: number) => [0x20, index]
const localSet = (index: number) => [0x21, index]
const vector = (opcode: number) => [0xfd, ...unsigned(opcode)]
const constI32 = (value: number) => [0x41, ...signed(BigInt(value))]
const constI64 = (value: bigint) => [0x42, ...signed(BigInt.asIntN(64, value))]
const zeroVector = [...vector(0x0c), ...new Array(16).fill(0)]
const addI32 = [0x6a]
const addVectors32 = vector(0xae)
const addVectors64 = vector(0xce)
const multiplyVectors64 = vector(0xd5)
const multiplyLowHalves = vector(0xde)
const multiplyHighHalves = vector(0xdf)

/** Bit 6 of the alignment says that a memory's index follows. */
const load = (memory: number, offset: number) => [...vector(0x00), 0x40 | 4, memory, ...unsigned(offset)]

export function cellSumModule(dataIsShared: boolean): Uint8Array<ArrayBuffer> {
  const data = dataIsShared ? [0x03, 0, ...unsigned(65536)] : [0x00, 0]
  const imports = [...name('m'), ...name('data'), 0x02, ...data, ...name('m'), ...name('keys'), 0x02, 0x00, 0x01]
  const body = code()
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 2, i32, i32, 1, i64]),
    ...section(2, [2, ...imports]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('sum'), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

function code(): number[] {
  const [at, pieces, key, low, high, hash, a, b] = [0, 1, 2, 3, 4, 5, 6, 7]
  const group = (index: number) => [
    ...[...localGet(at), ...load(0, index * groupBytes), ...localGet(key), ...load(1, index * groupBytes), ...addVectors32],
    ...localSet(a),
    ...[
      ...localGet(at),
      ...load(0, index * groupBytes + 16),
      ...localGet(key),
      ...load(1, index * groupBytes + 16),
      ...addVectors32,
    ],
    ...localSet(b),
    ...[...localGet(low), ...localGet(a), ...localGet(b), ...multiplyLowHalves, ...addVectors64, ...localSet(low)],
    ...[...localGet(high), ...localGet(a), ...localGet(b), ...multiplyHighHalves, ...addVectors64, ...localSet(high)],
  ]
  const advance = (local: number) => [...localGet(local), ...constI32(groupsPerTurn * groupBytes), ...addI32, ...localSet(local)]
  const loop = [0x03, 0x40]
  const end = [0x0b]
  return [
    ...[2, 1, i32, 5, v128],
    ...loop,
    ...[...constI32(0), ...localSet(key), ...zeroVector, ...localSet(low), ...zeroVector, ...localSet(high)],
    ...loop,
    ...Array.from({ length: groupsPerTurn }, (_, index) => group(index)).flat(),
    ...[...advance(at), ...advance(key)],
    ...[...localGet(key), ...constI32(pieceBytes), 0x49, 0x0d, 0],
    ...end,
    ...[...localGet(hash), ...localGet(low), ...addVectors64, ...localGet(high), ...addVectors64],
    ...[...constI64(multiplier), ...vector(0x12), ...multiplyVectors64, ...localSet(hash)],
    ...[...localGet(pieces), ...constI32(-1), ...addI32, 0x22, pieces, 0x0d, 0],
    ...end,
    ...[...localGet(hash), ...vector(0x1d), 0, ...localGet(hash), ...vector(0x1d), 1],
    ...[...constI64(foldMultiplier), 0x7e, 0x7c],
    ...end,
  ]
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)]
}

function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; ) {
    const low = rest & 0x7f
    rest >>>= 7
    if (rest === 0) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

function signed(value: bigint): number[] {
  const bytes: number[] = []
  for (let rest = value; ; ) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}
