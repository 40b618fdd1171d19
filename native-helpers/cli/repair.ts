import { usageError } from './args.ts'
import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const repair: Verb = {
  name: 'repair',
  usage: 'TARGET',
  summary: 'mend what is damaged on a card, with a plan first and a way back',
  about: [
    'TARGET is a drive, an image file of a whole card, or one overlay file (then --base names the image that it belongs to). Everything is tried in memory first and shown; nothing is written before you agree.',
    'What stood where it writes is kept in the undo file, which is safe on the disk before the first byte of the card changes: "livecard undo FILE" takes the repair back, also one that was cut off by a power failure.',
  ],
  options: {
    'kernel-from': {
      type: 'string',
      value: 'system|rw',
      help: 'Lampone Pi and liveng: write the kernel partition from the system partition, or from what was installed',
    },
    ...changeOptions,
  },
  run(given, terminal) {
    const from = given.text('kernel-from')
    if (from !== null && from !== 'system' && from !== 'rw')
      throw usageError('bad-kernel-from', `"${from}" is none of "system" and "rw".`, 'Leave it out, and the best kernel is taken.')
    const options: Record<string, string> = from === null ? {} : { 'kernel-from': from }
    return changeCard({ job: 'repair', options, doing: 'Repairing', done: 'Repaired' }, given, terminal)
  },
}
