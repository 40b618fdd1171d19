import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'

export function cannotConvert(why: string): LivecardError {
  return new LivecardError('failed', 'convert-impossible', {
    message: `The changes cannot be kept in another form: ${why}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: '"livecard inspect" shows what is on the stick, and what helps.',
  })
}

/** The new form has to lie beside the old one until it is whole. */
export function noRoomToConvert(roomBytes: number, neededBytes: number): LivecardError {
  return new LivecardError('failed', 'convert-no-room', {
    message: `The changes in their new form need ${decimalSize(neededBytes)} beside the old one, and there is room for ${decimalSize(roomBytes)}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: 'Make room on the stick by removing files beside the LiveOS folder, or copy the whole stick to a larger one, and convert that.',
  })
}

export function tooSmall(sizeBytes: number, leastBytes: number): LivecardError {
  return new LivecardError('usage', 'convert-too-small', {
    message: `The changes do not fit into ${decimalSize(sizeBytes)}: ${decimalSize(leastBytes)} are a good size for them.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: 'Say a larger size, or none.',
  })
}
