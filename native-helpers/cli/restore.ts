import { resolve } from 'node:path'
import { usageError } from './args.ts'
import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const restore: Verb = {
  name: 'restore',
  usage: 'FILE TARGET [--only PATH]…',
  summary: 'put back what a backup holds, as a whole or in part, with a plan first and a way back',
  about: [
    'FILE is an archive of "livecard backup", or one that GNU tar or bsdtar made of the same folder: .tar, .tar.gz or .tar.zst. TARGET is a drive or an image file of a whole card.',
    'What is restored becomes as it was saved: files that came later go. With --only PATH the files of that path are put over what is there, and nothing goes; PATH is one of the archive ("rw/etc/fstab") or of the running system ("etc/fstab").',
    'The whole archive is checked before anything is written. What stood where it writes is kept in the undo file: "livecard undo FILE" takes it back.',
  ],
  options: {
    only: { type: 'string', value: 'PATH', many: true, help: 'a file or folder of the archive; may be said again' },
    what: {
      type: 'string',
      value: 'NAME',
      help: 'which part of the card, where the archive has several or does not say it: rw, persistence, overlay, store, home, data',
    },
    'with-kernel': { type: 'boolean', help: 'the kernel partition too, where the archive has it' },
    ...changeOptions,
  },
  run(given, terminal) {
    const [file, ...rest] = given.positionals
    if (file === undefined) throw usageError('bad-arguments', 'An archive and a target are needed.', 'livecard restore FILE TARGET')
    const only = given.texts('only')
    if (only.some((path) => path.includes('\n')))
      throw usageError('bad-only', 'A path with a line break in it cannot be restored by itself.', 'Name the folder above it.')
    const what = given.text('what')
    const options = {
      file: resolve(file),
      ...(only.length > 0 && { only: only.join('\n') }),
      ...(what !== null && { what }),
      ...(given.flag('with-kernel') && { kernel: 'yes' }),
    }
    const act = { job: 'restore', options, doing: 'Restoring', done: 'Restored' } as const
    return changeCard(act, { ...given, positionals: rest }, terminal)
  },
}
