import type { BlockDevice } from '../../native-helpers/block/device.ts'

/** Bytes that stand where the seed has others. */
export interface Patch {
  offset: number
  bytes: Uint8Array
}

/** A seed with damage: patches in their order, and perhaps an early end. The seed itself stays as it is. */
export interface Mutation {
  patches: Patch[]
  /** Null: as long as the seed. */
  sizeBytes: number | null
}

export const unchanged: Mutation = { patches: [], sizeBytes: null }

/** Throws what no parser may let through: reading beyond the end is the parser's mistake, whatever the card says. */
export class ReadBeyondEnd extends Error {
  override readonly name = 'ReadBeyondEnd'
}

/** No card is read so often by a report: a walk that goes round in circles. */
export class ReadTooMuch extends Error {
  override readonly name = 'ReadTooMuch'
}

const maxReadBytes = 512 * 1024 * 1024

export interface MutatedDevice extends BlockDevice {
  readonly bytesRead: number
}

export function mutated(
  seed: BlockDevice,
  { patches, sizeBytes }: Mutation,
  seen?: (offset: number, length: number) => void,
): MutatedDevice {
  const size = Math.min(seed.size, sizeBytes ?? seed.size)
  let bytesRead = 0
  return {
    size,
    sectorSize: seed.sectorSize,
    get bytesRead() {
      return bytesRead
    },
    readSync(into, offset) {
      if (!Number.isSafeInteger(offset) || offset < 0 || offset + into.length > size) {
        throw new ReadBeyondEnd(`${into.length} bytes at ${offset} of ${size}`)
      }
      bytesRead += into.length
      if (bytesRead > maxReadBytes) throw new ReadTooMuch(`${bytesRead} bytes`)
      seen?.(offset, into.length)
      seed.readSync(into, offset)
      for (const patch of patches) {
        const from = Math.max(offset, patch.offset)
        const to = Math.min(offset + into.length, patch.offset + patch.bytes.length)
        if (from < to) into.set(patch.bytes.subarray(from - patch.offset, to - patch.offset), from - offset)
      }
    },
  }
}

/** Places of a seed that its parser reads, so that no damage is done where nobody looks. Small reads count for more: they are structures. */
export class HotPlaces {
  private readonly places: { offset: number; length: number }[] = []
  private readonly known = new Set<string>()

  add(offset: number, length: number): void {
    const key = `${offset}+${length}`
    if (length === 0 || this.known.has(key) || this.places.length >= 20_000) return
    this.known.add(key)
    this.places.push({ offset, length })
  }

  pick(random: () => number): number {
    const place = this.places[Math.floor(random() * this.places.length)] ?? { offset: 0, length: 512 }
    // The beginning of a structure says what the rest of it is.
    const within = random() < 0.4 ? Math.min(place.length, 64) : place.length
    return place.offset + Math.floor(random() * within)
  }
}

const extremes = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  (1n << 64n) - 512n,
]
const widths = [1, 2, 4, 8]

/** One more damage to what is damaged already: a bit, a byte, a number at its edge, a number a little off, a piece from elsewhere, zeros, or an early end. */
export function mutate(seed: BlockDevice, before: Mutation, hot: HotPlaces, random: () => number): Mutation {
  const mutation: Mutation = { patches: [...before.patches], sizeBytes: before.sizeBytes }
  if (random() < 0.02) {
    const end = random() < 0.5 ? hot.pick(random) : Math.floor(random() * seed.size)
    return { ...mutation, sizeBytes: Math.max(0, Math.min(end, seed.size)) }
  }
  const view = mutated(seed, mutation)
  const width = widths[Math.floor(random() * widths.length)] ?? 1
  const unaligned = Math.min(hot.pick(random), view.size - 64)
  if (unaligned < 0) return mutation
  // Numbers lie at multiples of their width, mostly.
  const offset = random() < 0.7 ? unaligned - (unaligned % width) : unaligned
  const old = Buffer.alloc(width)
  view.readSync(old, offset)
  mutation.patches.push({ offset, bytes: damage(old, view, hot, random) })
  return mutation
}

function damage(old: Buffer, view: BlockDevice, hot: HotPlaces, random: () => number): Uint8Array {
  const kind = random()
  if (kind < 0.2) {
    const at = Math.floor(random() * old.length)
    old[at] = (old[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    return old
  }
  if (kind < 0.3) return old.map(() => Math.floor(random() * 256))
  if (kind < 0.6) return numberOf(old.length, extremes[Math.floor(random() * extremes.length)] ?? 0n, random)
  if (kind < 0.8) {
    const by = BigInt(Math.floor(random() * 33) - 16)
    const bigEndian = random() < 0.15
    return numberOf(old.length, toNumber(old, bigEndian) + by, random, bigEndian)
  }
  if (kind < 0.9) return Buffer.alloc([16, 32, 64][Math.floor(random() * 3)] ?? 16, random() < 0.7 ? 0 : 0xff)
  const from = Math.max(0, Math.min(hot.pick(random), view.size - 64))
  const elsewhere = Buffer.alloc(Math.min(view.size - from, [4, 8, 16, 32, 64][Math.floor(random() * 5)] ?? 4))
  view.readSync(elsewhere, from)
  return elsewhere
}

function toNumber(bytes: Buffer, bigEndian: boolean): bigint {
  const order = bigEndian ? bytes : Buffer.from(bytes).reverse()
  return BigInt(`0x${order.toString('hex')}`)
}

function numberOf(width: number, value: bigint, random: () => number, bigEndian = random() < 0.15): Uint8Array {
  const bytes = Buffer.from(
    BigInt.asUintN(width * 8, value)
      .toString(16)
      .padStart(width * 2, '0'),
    'hex',
  )
  return bigEndian ? bytes : bytes.reverse()
}
