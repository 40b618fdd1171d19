import { changeCard, changeOptions } from './change-verb.ts'
import type { Verb } from './verb.ts'

export const merge: Verb = {
  name: 'merge',
  usage: 'TARGET',
  summary: 'fold the changes of a LiveOS stick into its system image, and leave an empty overlay',
  about: [
    'TARGET is a drive or an image file of a whole stick. The system is written anew as it is now, with all that was changed, beside the old image; then it takes its name at one stroke, and the overlay is empty. No file is lost, and the overlay has all of its room again. The stick needs free room for the new image, and this computer as much in the folder of the undo file or of temporary files.',
    'It packs the whole system, which takes minutes. "livecard undo FILE" takes it back, as long as the room of the old image was not used for something new.',
  ],
  options: changeOptions,
  run: (given, terminal) => changeCard({ job: 'merge', options: {}, doing: 'Merging', done: 'Merged' }, given, terminal),
}
