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
  options: changeOptions,
  run: (given, terminal) => changeCard({ job: 'repair', options: {}, doing: 'Repairing', done: 'Repaired' }, given, terminal),
}
