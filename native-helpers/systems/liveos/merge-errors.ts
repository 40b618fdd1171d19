import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'

export function cannotMerge(why: string): LivecardError {
  return new LivecardError('failed', 'merge-impossible', {
    message: `The changes cannot be folded into the system image: ${why}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: '"livecard inspect" shows what is on the stick, and what helps.',
  })
}

/** The new image has to lie beside the old one until it is whole. */
export function noRoomToMerge(roomBytes: number, oldBytes: number): LivecardError {
  return new LivecardError('failed', 'merge-no-room', {
    message: `The merged image does not fit beside the old one, which has ${decimalSize(oldBytes)}: there is room for ${decimalSize(roomBytes)}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: 'Make room on the stick by removing files beside the LiveOS folder, or copy the whole stick to a larger one, and merge that.',
  })
}
