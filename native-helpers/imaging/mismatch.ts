import { alignedBuffer } from '../block/aligned.ts'
import type { StreamDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { cellSum, sumCellBytes } from './cell-sum.ts'
import { type WriteLimits, within } from './limits.ts'
import { cellEnd, type SumCell, type WrittenRanges } from './written-ranges.ts'

export interface Difference {
  device: StreamDevice
  written: WrittenRanges
  /** The first cell that differs. */
  differsAt: number
  limits: WriteLimits
}

/** What kind of fault it looks like; decides the words. */
export type Cause =
  | { is: 'wraps'; holdsBytes: number }
  | { is: 'keeps-nothing'; beyond: number; value: 0 | 255 }
  | { is: 'unsteady' }
  | { is: 'local'; differing: number; looked: number }
  | { is: 'everywhere' }
  | { is: 'first-block' }

const neighbours = 8
const samples = 16

/** Looks around the first difference, and answers the error that says what it was and what probably caused it; rejects when that cannot be read. */
export async function explainMismatch(difference: Difference): Promise<LivecardError> {
  return mismatchError(difference.device.label, difference.differsAt, await findCause(difference))
}

async function findCause({ device, written, differsAt, limits }: Difference): Promise<Cause> {
  const cells = [...written.cellsFrom(differsAt, neighbours)]
  const found: { cell: SumCell; bytes: Uint8Array; sum: bigint }[] = []
  for (const cell of cells) {
    const bytes = await readCell(device, cell, limits)
    found.push({ cell, bytes, sum: cellSum(bytes) })
  }
  const first = found[0]
  if (!first || first.sum === first.cell.sum) return { is: 'unsteady' }

  const wrong = found.filter(({ cell, sum }) => cell.sum !== sum)
  const distance = findDistance(
    written,
    wrong.filter(({ bytes }) => constantValue(bytes) === null).map(({ cell, sum }) => ({ offset: cell.offset, sum })),
  )
  if (distance !== null) return { is: 'wraps', holdsBytes: distance }

  const spread = await sample(device, written, differsAt, limits)
  const value = constantValue(first.bytes)
  if (value !== null && spread.differing * 4 >= spread.looked * 3 && spread.looked > 0)
    return { is: 'keeps-nothing', beyond: differsAt, value }
  if (spread.looked > 0 && spread.differing === spread.looked && wrong.length === found.length) return { is: 'everywhere' }
  return { is: 'local', differing: spread.differing, looked: spread.looked }
}

async function readCell(device: StreamDevice, cell: SumCell, limits: WriteLimits): Promise<Uint8Array> {
  const length = cell.end - cell.offset
  const padded = device.direct ? Math.ceil(length / device.sectorSize) * device.sectorSize : length
  const buffer = alignedBuffer(padded)
  await within(device.read(buffer, cell.offset), limits.answerWithinMs, device.label)
  return buffer.subarray(0, length)
}

/**
 * A counterfeit card answers with what was written much later to the same real place. So the distance to where the found data belongs is the same
 * for neighbouring cells; one match may be chance (images hold the same block twice), three in a row are not.
 */
function findDistance(written: WrittenRanges, found: { offset: number; sum: bigint }[]): number | null {
  const [first] = found
  if (!first || found.length < Math.min(3, neighbours)) return null
  const places = new Map<number, number>()
  for (const { offset, sum } of written.cells())
    if (sum === first.sum && offset !== first.offset) places.set(offset - first.offset, 1)
  if (places.size === 0) return null
  const others = new Map(found.slice(1).map(({ offset, sum }) => [offset, sum]))
  for (const { offset, sum } of written.cells()) {
    for (const distance of places.keys()) {
      if (others.get(offset - distance) === sum) places.set(distance, (places.get(distance) ?? 0) + 1)
    }
  }
  for (const [distance, matches] of places) if (matches >= 3) return Math.abs(distance)
  return null
}

function constantValue(bytes: Uint8Array): 0 | 255 | null {
  const value = bytes[0]
  if (value !== 0 && value !== 255) return null
  return bytes.every((byte) => byte === value) ? value : null
}

/** Cells spread evenly over the rest of the image: is it this place, or everything from here on? */
async function sample(device: StreamDevice, written: WrittenRanges, from: number, limits: WriteLimits) {
  const cells = written.spreadFrom(cellEnd(from), samples)
  let differing = 0
  for (const cell of cells) if (cellSum(await readCell(device, cell, limits)) !== cell.sum) differing += 1
  return { looked: cells.length, differing }
}

export function mismatchError(label: string, offset: number, cause: Cause): LivecardError {
  const exact = cause.is === 'first-block' ? offset : null
  const where = exact !== null ? `at byte ${exact}` : `first within the ${sumCellBytes / 1024} KiB from byte ${offset}`
  const { what, next } = wordsFor(cause)
  return new LivecardError('failed', 'verify-mismatch', {
    message: `${label} does not hold what was written to it: it differs ${where}. ${what}`,
    meaning: 'The system on this card would fail, now or later. The card is left marked as not finished.',
    next,
  })
}

export function wordsFor(cause: Cause): { what: string; next: string } {
  switch (cause.is) {
    case 'wraps':
      return {
        what: `It answers with data that belongs ${cause.holdsBytes} bytes further on: the card claims more than it holds (a counterfeit).`,
        next: `Do not use this card; it can hold about ${Math.floor(cause.holdsBytes / 1e6)} MB. Take another one, and give this one back.`,
      }
    case 'keeps-nothing':
      return {
        what: `From there on it holds only ${cause.value === 0 ? 'zeros' : 'ones'}: the card probably claims more than it holds (a counterfeit).`,
        next: `Do not use this card; it keeps about ${Math.floor(cause.beyond / 1e6)} MB. Take another one, and give this one back.`,
      }
    case 'unsteady':
      return {
        what: 'Read once more, the same place was right: the card, its reader or the cable answers unreliably.',
        next: 'Try another reader, port or cable first, then another card.',
      }
    case 'local':
      return {
        what: `${cause.differing} of ${cause.looked} places looked at further on differ too: the card is probably worn out.`,
        next: 'Write it once more; if it differs again, take another card.',
      }
    case 'first-block':
      return {
        what: 'That is its very start, which was written last: the start of the card is worn out, or write-protected by the card itself.',
        next: 'Take another card.',
      }
    case 'everywhere':
      return {
        what: 'Everything looked at further on differs too: something else wrote to the card meanwhile, or it does not keep what it is given.',
        next: 'Close other programs that use the card and write it once more; if it differs again, take another card.',
      }
  }
}
