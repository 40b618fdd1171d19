/** What the screen of practice cards says, in German; `de.ts` takes it in. */
import type { Catalogue } from './en.ts'

export const dePractice: Catalogue['practice'] = {
  title: 'Übungskarten',
  sub: 'Eine Übungskarte ist eine Datei, die sich wie eine Karte verhält, meist wie eine kaputte. Probieren Sie, was hilft, ohne etwas zu riskieren.',
  loading: 'Es wird nachgesehen, welche hier angelegt werden können…',
  which: 'Welche?',
  systems: {
    lampone: 'Lampone Pi',
    liveng: 'liveng und Resilient Linux',
    liveos: 'Fedora-LiveOS-Sticks',
    mode: 'MoDe',
    'rpi-ab': 'Raspberry Pi mit zwei Slots',
    tmpfsroot: 'tmpfsroot',
  },
  well: 'Ihr fehlt nichts.',
  place: 'Ordner dafür',
  placeHint: 'Sie braucht wenig Platz: nur was darauf geschrieben wird, zählt.',
  here: 'In diesen Ordner legen',
  needFolder: 'Es muss der vollständige Pfad eines Ordners sein.',
  needChoice: 'Wählen Sie zuerst eine Übungskarte.',
  ready: 'Die Karte wird angelegt und geöffnet. Sonst wird nichts verändert.',
  making: 'Die Karte wird angelegt…',
  make: 'Anlegen und ansehen',
}
