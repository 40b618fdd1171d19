import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import type { ChangedRange, ChangeGroup } from '../block/journalled.ts'
import { paddedDevice } from '../block/padded.ts'
import { divide, joined, type Range } from '../block/ranges.ts'
import { slice } from '../block/slice.ts'
import { type StagedDevice, stagedDevice } from '../block/staged.ts'
import { freePlaces } from './free-places.ts'

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

export interface DraftOptions {
  /** Where what does not fit into memory is held back; the system's folder for such things without. */
  scratchFolder?: string | undefined
  /**
   * `plan`: only to be told of. A job whose outcome follows from what it is given may leave out to make it up, and says with `agreeTo` what
   * it follows from.
   */
  purpose?: 'plan' | 'apply'
}

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
  /** How long it is. */
  private readonly endBytes: number
  readonly steps: string[] = []
  readonly keeps: string[] = []
  readonly loses: string[] = []
  readonly notes: string[] = []
  /** By which a later use of the card is noticed. */
  readonly witnesses: { offset: number; lengthBytes: number }[] = []
  readonly purpose: 'plan' | 'apply'
  /** In place of every byte that is written, and how many there are about. */
  agreement: { digest: string; writeBytes: number } | null = null
  private readonly stages: StagedDevice[] = []
  private readonly ended: ChangedRange[][] = []
  private readonly scratchFolder: string | undefined
  /** Places that were free on the card as it was. */
  private free: Range[] = []

  constructor(card: BlockDevice, { scratchFolder, purpose = 'apply' }: DraftOptions = {}) {
    this.card = card
    this.endBytes = card.size
    this.scratchFolder = scratchFolder
    this.purpose = purpose
    this.view = stagedDevice(card, { folder: scratchFolder })
  }

  close(): void {
    this.view.close()
    for (const stage of this.stages) stage.close()
  }

  /** A view of something else to be tried out on, which is gone with the draft. */
  stage(base: BlockDevice, blockBytes?: number): StagedDevice {
    const stage = stagedDevice(base, { folder: this.scratchFolder, ...(blockBytes !== undefined && { blockBytes }) })
    this.stages.push(stage)
    return stage
  }

  /**
   * For a change whose bytes follow from what it is given (an archive, the state of a volume): a digest of all that, by which planning again is seen to come to the
   * same. Then nothing need be staged while it is only planned.
   */
  agreeTo(digest: string, writeBytes: number): void {
    this.agreement = { digest, writeBytes }
  }

  /**
   * What is free in a volume of the card as it is need not be kept for taking the change back, and goes to the card before everything that begins to use it.
   * To be asked before the group ends that writes there. A volume that was not left cleanly has nothing that is surely free.
   */
  forgetFree(startBytes: number, sizeBytes: number): void {
    this.forget(freePlaces(this.card, [{ start: startBytes, lengthBytes: Math.min(sizeBytes, this.card.size - startBytes) }]))
  }

  /** The same of a volume that lies on the card in pieces: an image file of a home. */
  forgetFreeIn(extents: readonly Extent[]): void {
    this.forget(freePlaces(this.card, extents))
  }

  private forget(places: readonly Range[]): void {
    this.free = joined([...this.free, ...places])
  }

  /** Makes room behind the end of a card that is a file by itself. To be asked before anything is written. */
  growTo(sizeBytes: number): void {
    if (this.view.stagedBytes > 0) throw new TypeError('a card grows before it is written to')
    this.grownTo = sizeBytes
    this.card = paddedDevice(this.card, sizeBytes)
    this.view.close()
    this.view = stagedDevice(this.card, { folder: this.scratchFolder })
  }

  /** A part of the view, to be read and written. */
  part(offset: number, sizeBytes: number): BlockDevice {
    return slice(this.view, offset, sizeBytes)
  }

  /** What was written up to now goes to the card before what comes after; of it, what lies in one of `later` goes when all before that is there. */
  endGroup(...later: readonly (readonly Range[])[]): void {
    const { outside, inside: free } = divide(this.view.takeWritten(), this.free)
    if (free.length > 0) this.ended.push(free.map((range) => ({ ...range, free: true })))
    const parts: Range[][] = []
    let rest = outside
    for (const places of later.toReversed()) {
      const divided = divide(rest, places)
      parts.unshift(divided.inside)
      rest = divided.outside
    }
    for (const ranges of [rest, ...parts]) if (ranges.length > 0) this.ended.push(ranges)
  }

  /** As `endGroup`, for what has to stand on the card as it is now although later groups write some of these places again: the tables of a filesystem, step by step. */
  endGroupAsIs(): void {
    const { outside, inside: free } = divide(this.view.takeWritten(), this.free)
    if (free.length > 0) this.ended.push(free.map((range) => ({ ...range, free: true })))
    const copies: ChangedRange[] = []
    for (const { offset, lengthBytes } of outside) {
      // Behind the end of a card that grows nothing stands that anybody could find.
      const there = Math.max(0, Math.min(lengthBytes, this.endBytes - offset))
      for (let done = 0; done < there; done += compareBytes) {
        const meanwhile = new Uint8Array(Math.min(compareBytes, there - done))
        this.view.readSync(meanwhile, offset + done)
        copies.push({ offset: offset + done, lengthBytes: meanwhile.length, meanwhile })
      }
      if (there < lengthBytes) copies.push({ offset: offset + there, lengthBytes: lengthBytes - there })
    }
    if (copies.length > 0) this.ended.push(copies)
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
    const isPassing = (range: Range) => passing.some((one) => overlap(one, range))
    let later: Range[] = []
    const groups: ChangeGroup[] = []
    for (const ranges of this.ended.toReversed()) {
      const forGood = ranges.filter(({ meanwhile }) => !meanwhile)
      const rest = ranges
        .filter(({ meanwhile }) => meanwhile)
        .concat(divide(forGood, later).outside)
        .filter((range) => range.free || isPassing(range) || this.isNew(range) || differs(this.card, this.view, range))
      if (rest.length > 0) groups.unshift({ ranges: rest })
      later = joined([...later, ...forGood])
    }
    return groups
  }

  /** Also zeros are something else than the end of a file. */
  private isNew({ offset, lengthBytes }: Range): boolean {
    return offset + lengthBytes > this.endBytes
  }
}

function overlap(one: Range, other: Range): boolean {
  return one.offset < other.offset + other.lengthBytes && other.offset < one.offset + one.lengthBytes
}

const compareBytes = 1024 * 1024

/** Whether two devices hold something else in a range that both have. */
export function differs(one: BlockDevice, other: BlockDevice, { offset, lengthBytes }: ChangedRange): boolean {
  for (let done = 0; done < lengthBytes; done += compareBytes) {
    const length = Math.min(compareBytes, lengthBytes - done)
    const [first, second] = [new Uint8Array(length), new Uint8Array(length)]
    one.readSync(first, offset + done)
    other.readSync(second, offset + done)
    if (Buffer.compare(first, second) !== 0) return true
  }
  return false
}
