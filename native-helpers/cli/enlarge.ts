import { parseSize, usageError } from './args.ts'
import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const enlarge: Verb = {
  name: 'enlarge',
  usage: 'TARGET --to SIZE|max',
  summary: 'give a system more room for changes: its last partition, or the overlay or home of a stick',
  about: [
    'TARGET is a drive, an image file of a whole card, or one overlay file. The last partition keeps its place and number and takes the room behind it, with its filesystem; the overlay or home of a LiveOS stick (--what) grows where it lies.',
    'SIZE is how large it becomes: 8GB, 8GiB, 512MB or bytes; "max" is all that there is. Shows a plan and asks; "livecard undo FILE" takes it back.',
  ],
  options: {
    to: { type: 'string', value: 'SIZE|max', help: 'how large it becomes' },
    what: { type: 'string', value: 'NAME', help: 'overlay or home, where a stick has both (overlay without)' },
    ...changeOptions,
  },
  run(given, terminal) {
    const to = given.text('to')
    if (to === null) throw usageError('size-needed', 'How large it shall become is not said.', 'Add --to 8GB, or --to max.')
    const what = given.text('what')
    const options = { to: to === 'max' ? 'max' : String(parseSize(to)), ...(what !== null && { what }) }
    return changeCard({ job: 'enlarge', options, doing: 'Enlarging', done: 'Enlarged' }, given, terminal)
  },
}
