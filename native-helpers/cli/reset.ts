import { usageError } from './args.ts'
import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const reset: Verb = {
  name: 'reset',
  usage: 'TARGET [--keep PATH]…',
  summary: 'back to the system as it was delivered, keeping what you name, with a plan first and a way back',
  about: [
    'TARGET is a drive, an image file of a whole card, or one overlay file. What was changed in the system since it was delivered goes; --keep PATH carries a file or folder over, named as the running system names it: --keep home --keep etc/ssh.',
    'A home of its own (home.img of a LiveOS stick) is no part of the system and stays as it is, unless --drop home is said.',
    'What stood where it writes is kept in the undo file: "livecard undo FILE" takes the reset back, also one that was cut off by a power failure.',
  ],
  options: {
    keep: {
      type: 'string',
      value: 'PATH',
      many: true,
      help: 'what is carried over, from the root of the system; may be said again',
    },
    drop: { type: 'string', value: 'home', help: 'empty the home of a LiveOS stick too' },
    ...changeOptions,
  },
  run(given, terminal) {
    const keep = given.texts('keep')
    const drop = given.text('drop')
    if (keep.some((path) => path.includes('\n')))
      throw usageError('bad-keep', 'A path with a line break in it cannot be kept.', 'Keep the folder above it.')
    if (drop !== null && drop !== 'home')
      throw usageError('bad-drop', `"${drop}" cannot be dropped by itself.`, 'Say --drop home, or leave it out.')
    const options = { ...(keep.length > 0 && { keep: keep.join('\n') }), ...(drop !== null && { drop }) }
    return changeCard({ job: 'reset', options, doing: 'Resetting', done: 'Reset' }, given, terminal)
  },
}
