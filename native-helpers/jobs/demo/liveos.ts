import { liveCardBytes, makeLiveStick, type NewLiveStick } from './liveos-make.ts'
import type { PracticeCard } from './practice-card.ts'

interface Ailing {
  id: string
  title: string
  ailment: string | null
  findings: readonly string[]
  options: NewLiveStick
}

const cards: Ailing[] = [
  { id: 'liveos-healthy', title: 'Fedora LiveOS stick', ailment: null, findings: [], options: { overlayMiB: 512 } },
  {
    id: 'liveos-flat',
    title: 'Fedora LiveOS stick with a flat image',
    ailment: null,
    findings: [],
    options: { form: 'flat', overlayMiB: 512 },
  },
  {
    id: 'liveos-nearly-full',
    title: 'Fedora LiveOS stick, nearly full',
    ailment: 'The overlay is used to more than nine tenths, and deleting files does not help.',
    findings: ['overlay-nearly-full'],
    options: { overlayMiB: 300, usedShare: 0.92 },
  },
  {
    id: 'liveos-full',
    title: 'Fedora LiveOS stick, full',
    ailment: 'The overlay is full to the last place, and the power failed while a letter was saved.',
    findings: ['overlay-full', 'overlay-replay-no-room'],
    options: { overlayMiB: 300, usedShare: 1, powerCut: true },
  },
  {
    id: 'liveos-invalid',
    title: 'Fedora LiveOS stick that does not start',
    ailment: 'The overlay became full and was given up: Linux refuses to read it, though every file is still in it.',
    findings: ['overlay-invalid'],
    options: { overlayMiB: 300, usedShare: 1, powerCut: true, invalid: true },
  },
  {
    id: 'liveos-trap-size',
    title: 'Fedora LiveOS stick with an unlucky overlay',
    ailment: 'The overlay has exactly 256 MiB: when it is full, Linux writes behind its end and gives it up.',
    findings: ['overlay-trap-size'],
    options: { overlayMiB: 256, usedShare: 0.6 },
  },
  {
    id: 'liveos-renamed',
    title: 'Fedora LiveOS stick that was renamed',
    ailment: 'Somebody gave the stick another name, and the system no longer finds its changes.',
    findings: ['overlay-name'],
    options: { overlayMiB: 300, renamedTo: 'MY STICK' },
  },
]

/** Sticks with live systems of Fedora, as livecd-iso-to-disk makes them. */
export const liveosCards: readonly PracticeCard[] = cards.map(({ id, title, ailment, findings, options }) => ({
  id,
  system: 'liveos',
  title,
  ailment,
  findings,
  sizeBytes: liveCardBytes,
  needsTools: true,
  async make(card) {
    await makeLiveStick(card, options)
    card.flushSync()
  },
}))
