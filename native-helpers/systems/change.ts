import type { BlockDevice } from '../block/device.ts'
import type { ChangedRange, ChangeGroup } from '../block/journalled.ts'
import { paddedDevice } from '../block/padded.ts'
import { slice } from '../block/slice.ts'
import { type StagedDevice, stagedDevice } from '../block/staged.ts'

/** What a plan tells people, a sentence each. */
export interface ChangeWords {
  /** What is done, in its order. */
  steps: string[]
  /** What stays as it is. */
  keeps: string[]
  /** What is gone afterwards. */
  loses: string[]
  /** What else is to be known: what cannot be mended here, what to do after. */
  notes: string[]
}

/** What a job may ask for, and when it was planned: planned again with the same, the same bytes come out. */
export interface ChangeContext {
  /** Seconds since 1970, for whatever writes a time. */
  seconds: number
  options: Readonly<Record<string, string>>
}

const stagedLimitBytes = 512 * 1024 * 1024

/**
 * A change of a card while it is made up. Whoever takes part writes to a view of the card, of which nothing reaches the card, and ends a group where
 * what follows may only be written when everything before is safe.
 */
export class ChangeDraft implements ChangeWords {
  /** The card as it is, with zeros behind its end where it grows. */
  card: BlockDevice
  view: StagedDevice
  /** How long the card becomes where it is a file by itself; null where its length stays. */
  grownTo: number | null = null
  readonly steps: string[] = []
  readonly keeps: string[] = []
  readonly loses: string[] = []
  readonly notes: string[] = []
  /** By which a later use of the card is noticed. */
  readonly witnesses: { offset: number; lengthBytes: number }[] = []
  private readonly ended: ChangedRange[][] = []

  constructor(card: BlockDevice) {
    this.card = card
    this.view = stagedDevice(card, { limitBytes: stagedLimitBytes })
  }

  /** Makes room behind the end of a card that is a file by itself. To be asked before anything is written. */
  growTo(sizeBytes: number): void {
    if (this.view.stagedBytes > 0) throw new TypeError('a card grows before it is written to')
    this.grownTo = sizeBytes
    this.card = paddedDevice(this.card, sizeBytes)
    this.view = stagedDevice(this.card, { limitBytes: stagedLimitBytes })
  }

  /** A part of the view, to be read and written. */
  part(offset: number, sizeBytes: number): BlockDevice {
    return slice(this.view, offset, sizeBytes)
  }

  /** What was written up to now goes to the card before what comes after. */
  endGroup(): void {
    const ranges = this.view.takeWritten()
    if (ranges.length > 0) this.ended.push(ranges)
  }

  /**
   * A group by itself, of bytes that stand in a place only until a later group writes it for good: a header by which a store is empty, or none, while
   * its list is another one.
   */
  meanwhile(offset: number, bytes: Uint8Array): void {
    this.endGroup()
    this.ended.push([{ offset, lengthBytes: bytes.length, meanwhile: bytes }])
  }

  /** A place that is written in two groups is written in the later one, as it is then. */
  groups(): ChangeGroup[] {
    this.endGroup()
    const passing = this.ended.flat().filter(({ meanwhile }) => meanwhile)
    const later: ChangedRange[] = []
    const groups: ChangeGroup[] = []
    for (const ranges of this.ended.toReversed()) {
      const rest = ranges
        .flatMap((range) => (range.meanwhile ? [range] : without(range, later)))
        .filter((range) => passing.some((one) => overlap(one, range)) || differs(this.card, this.view, range))
      if (rest.length > 0) groups.unshift({ ranges: rest })
      later.push(...ranges.filter(({ meanwhile }) => !meanwhile))
    }
    return groups
  }
}

function overlap(one: ChangedRange, other: ChangedRange): boolean {
  return one.offset < other.offset + other.lengthBytes && other.offset < one.offset + one.lengthBytes
}

function without(range: ChangedRange, others: readonly ChangedRange[]): ChangedRange[] {
  let rest = [range]
  for (const { offset, lengthBytes } of others) {
    const end = offset + lengthBytes
    rest = rest.flatMap((one) => {
      const oneEnd = one.offset + one.lengthBytes
      if (end <= one.offset || offset >= oneEnd) return [one]
      return [
        { offset: one.offset, lengthBytes: Math.max(0, offset - one.offset) },
        { offset: end, lengthBytes: Math.max(0, oneEnd - end) },
      ].filter(({ lengthBytes: length }) => length > 0)
    })
  }
  return rest
}

const compareBytes = 1024 * 1024

function differs(one: BlockDevice, other: BlockDevice, { offset, lengthBytes }: ChangedRange): boolean {
  for (let done = 0; done < lengthBytes; done += compareBytes) {
    const length = Math.min(compareBytes, lengthBytes - done)
    const [first, second] = [new Uint8Array(length), new Uint8Array(length)]
    one.readSync(first, offset + done)
    other.readSync(second, offset + done)
    if (Buffer.compare(first, second) !== 0) return true
  }
  return false
}
