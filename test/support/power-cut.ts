import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { seeded } from './tools.ts'

/** What a card was asked to do, in order; `note` is what the test wanted to remember of that moment. */
export type CardEvent = { kind: 'write'; offset: number; bytes: Uint8Array; note: number } | { kind: 'flush'; note: number }

export interface RecordingCard extends BlockDevice {
  writeSync(bytes: Uint8Array, offset: number): void
  flushSync(): void
  readonly bytes: Uint8Array
  readonly events: CardEvent[]
}

/** A card in memory that remembers every write and flush. */
export function recordingCard(content: Uint8Array, note: () => number = () => 0): RecordingCard {
  const bytes = Uint8Array.from(content)
  const events: CardEvent[] = []
  const within = (length: number, offset: number) => {
    if (offset < 0 || offset + length > bytes.length) throw new RangeError(`${length} bytes at ${offset} leave the card`)
  }
  return {
    size: bytes.length,
    sectorSize: 512,
    bytes,
    events,
    readSync(into, offset) {
      within(into.length, offset)
      into.set(bytes.subarray(offset, offset + into.length))
    },
    writeSync(from, offset) {
      within(from.length, offset)
      events.push({ kind: 'write', offset, bytes: Uint8Array.from(from), note: note() })
      bytes.set(from, offset)
    },
    flushSync() {
      events.push({ kind: 'flush', note: note() })
    },
  }
}

export interface CutState {
  /** The card as it is found after the power came back. */
  card: Uint8Array
  /** The note of the moment of the cut. */
  note: number
  what: string
}

const sectorBytes = 512

/**
 * Cards as a power cut may leave them: after every write; with the last write torn at every sector, up to `maxTears` of them evenly spread; and, of the
 * writes since the last flush, with any of them missing: all combinations of up to `allUpTo` writes, above that `samples` seeded ones.
 */
export function* powerCuts(
  before: Uint8Array,
  events: readonly CardEvent[],
  { maxTears = 8, allUpTo = 5, samples = 24, seed = 1 } = {},
): Generator<CutState> {
  const random = seeded(seed)
  const safe = Uint8Array.from(before)
  let pending: Extract<CardEvent, { kind: 'write' }>[] = []
  yield { card: Uint8Array.from(before), note: 0, what: 'before the first write' }
  for (const [index, event] of events.entries()) {
    if (event.kind === 'flush') {
      for (const write of pending) safe.set(write.bytes, write.offset)
      pending = []
      yield { card: Uint8Array.from(safe), note: event.note, what: `after flush ${index}` }
      continue
    }
    const sectors = Math.ceil(event.bytes.length / sectorBytes)
    const tears = Math.min(maxTears, sectors - 1)
    for (let tear = 1; tear <= tears; tear += 1) {
      const kept = Math.max(1, Math.floor((sectors * tear) / (tears + 1))) * sectorBytes
      const card = withWrites(safe, pending)
      card.set(event.bytes.subarray(0, kept), event.offset)
      yield { card, note: event.note, what: `write ${index} torn after ${kept} bytes` }
    }
    pending.push(event)
    yield { card: withWrites(safe, pending), note: event.note, what: `after write ${index}` }
    const combinations = pending.length <= allUpTo ? 2 ** pending.length - 1 : samples
    for (let choice = 0; choice < combinations; choice += 1) {
      const kept = pending.filter((_write, at) => (pending.length <= allUpTo ? (choice >> at) & 1 : random() < 0.5))
      yield {
        card: withWrites(safe, kept),
        note: event.note,
        what: `after write ${index}, ${pending.length - kept.length} of ${pending.length} lost`,
      }
    }
  }
}

function withWrites(base: Uint8Array, writes: { offset: number; bytes: Uint8Array }[]): Uint8Array {
  const card = Uint8Array.from(base)
  for (const { offset, bytes } of writes) card.set(bytes, offset)
  return card
}
