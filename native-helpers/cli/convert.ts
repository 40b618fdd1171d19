import { parseSize } from './args.ts'
import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const convert: Verb = {
  name: 'convert',
  usage: 'TARGET [--size SIZE]',
  summary: 'keep the changes of a LiveOS stick as files in an image, instead of as a list of blocks',
  about: [
    'TARGET is a drive or an image file of a whole stick. A list of blocks (dm-snapshot) only ever fills up; in the new form (overlayfs) deleting files gives their room back. The new form is written beside the old one and takes its name at one stroke, so that the stick starts at every moment; it needs as much free room.',
    'SIZE is how large the new form becomes (without: as large as the old one, or as there is room for). Shows a plan and asks; "livecard undo FILE" takes it back, as long as the system was not started and the room of the old form was not used.',
  ],
  options: { size: { type: 'string', value: 'SIZE', help: 'how large the new form becomes: 2GB, 2GiB, 512MB' }, ...changeOptions },
  run(given, terminal) {
    const size = given.text('size')
    const options: Record<string, string> = size === null ? {} : { size: String(parseSize(size)) }
    return changeCard({ job: 'convert', options, doing: 'Converting', done: 'Converted' }, given, terminal)
  },
}
