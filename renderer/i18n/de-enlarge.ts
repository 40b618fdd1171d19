/** What the screen says on which something is given more room, in German; `de.ts` takes it in. */
import type { Catalogue } from './en.ts'

export const deEnlarge: Catalogue['enlarge'] = {
  asking: 'Es wird gelesen, wie viel Platz da ist',
  askingText: 'Nichts auf der Karte wird verändert.',
  again: 'Noch einmal lesen',
  which: 'Was größer werden soll',
  parts: {
    overlay: 'Ablage für Änderungen',
    home: 'Home',
    persistence: 'Ablage für Änderungen',
    partition: 'Letzte Partition',
  },
  size: (what) => `Neue Größe: ${what}`,
  asItIs: 'wie jetzt',
  more: (more) => `${more} mehr als jetzt`,
  spoken: (size, more, left) => `${size}, ${more} mehr als jetzt, ${left} bleiben frei`,
  now: 'Jetzt',
  added: 'Kommt dazu',
  left: 'Bleibt frei',
  limits: {
    card: (max) => `Höchstens ${max}: dort endet die Karte.`,
    table: (max) => `Höchstens ${max}: weiter kann die Partitionstabelle dieser Karte nicht zählen.`,
    stick: (max) => `Höchstens ${max}: mehr ist auf dem Stick nicht frei, wo etwas für seine Startdateien übrig bleibt.`,
    'fat-file': (max) => `Höchstens ${max}: Dateien auf diesem Stick (FAT) müssen unter 4 GiB bleiben.`,
    alone: (max) =>
      `Höchstens ${max}: wo sie wieder liegen wird, ist nicht bekannt; darum wächst sie um höchstens 1 GiB auf einmal.`,
  },
  number: 'Oder als Zahl',
  numberHint: '500 MB, 2 GB, 2 GiB oder max',
  most: 'So groß wie möglich',
  trap: (step) => `${step} weniger als gewünscht: bei genau dieser Größe verzählt sich der Kernel.`,
  bad: { empty: 'Es fehlt eine Größe.', unreadable: 'Das ist keine Größe. Schreiben Sie 500 MB oder 2 GB.' },
  tooLarge: (max) => `Es ist Platz für höchstens ${max}.`,
  tooSmall: (least) => `Es kann nur wachsen: mindestens ${least}.`,
  cannot: (what) => `${what}: lässt sich so nicht vergrößern.`,
  inside: (what) => `${what}: ihre Dateien haben noch nicht den ganzen Platz.`,
  insideText: 'Die Partition ist größer als das Dateisystem darin. Der Plan gibt dem Dateisystem den Rest.',
  noRoom: (what, size) => `${what}: nimmt schon allen Platz ein, den es gibt, ${size}.`,
  noRoomText:
    'Mehr hat eine größere Karte oder ein größerer Stick: sichern Sie, was auf diesem ist, beschreiben Sie den größeren, und spielen Sie es dort zurück.',
  repair: 'Reparieren…',
}
