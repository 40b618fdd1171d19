import { changeCard, changeOptions } from './change-verb.ts'
import { watchInterrupt } from './interrupt.ts'
import { sealedSettings, settingsAbout, settingsOptions } from './settings.ts'
import type { Verb } from './verb.ts'

export const customise: Verb = {
  name: 'customise',
  usage: 'TARGET …',
  summary: 'set passwords, users, name, network, language and more of a system that is on a card',
  about: [
    'TARGET is a drive or an image file of a whole card with Lampone Pi or another liveng system. The settings are written among its changes, as the running system would; said again, they take the place of the earlier ones. Shows a plan and asks; "livecard undo FILE" takes it back.',
    'Passwords are asked for on the terminal or read from files, are hashed before anything else is done, and stand in no plan, log or history.',
    ...settingsAbout,
  ],
  options: { ...settingsOptions, ...changeOptions },
  async run(given, terminal) {
    const interrupt = watchInterrupt(() => {})
    const settings = await sealedSettings(given, terminal, interrupt.signal).finally(() => interrupt.release())
    const options = { settings: JSON.stringify(settings) }
    return changeCard({ job: 'customise', options, doing: 'Writing the settings', done: 'Set' }, given, terminal)
  },
}
