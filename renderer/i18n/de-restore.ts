/** What the screen says on which files of a backup are put back, in German; `de.ts` takes it in. */
import type { Catalogue } from './en.ts'

export const deRestore: Catalogue['restore'] = {
  which: 'Welche Sicherung?',
  whichText: 'Eine Datei, die Livecard gesichert hat, oder ein Tar-Archiv desselben Ordners: .tar, .tar.gz oder .tar.zst.',
  choose: 'Sicherung wählen…',
  another: 'Eine andere…',
  reading: 'Es wird gelesen, was darin ist',
  readingText: 'Nichts wird verändert.',
  saved: (when, system) => `Gesichert am ${when} von ${system}`,
  foreign: 'Nicht von Livecard gemacht: ob sie vollständig ist, lässt sich nicht sagen',
  what: 'Was zurückgespielt wird',
  whatText: 'nehmen Sie weg, was auf der Karte bleiben soll, wie es ist',
  kernel: 'Auch den Kernel',
  kernelText: 'Die Kernel-Partition wird die, die mit diesen Dateien gesichert wurde.',
  scopes: {
    whole: 'Diese Ordner werden, wie sie gesichert wurden: was seither dazukam, geht.',
    part: 'Was angekreuzt ist, kommt über das, was da ist. Sonst bleibt alles unberührt.',
  },
  otherSystem: (system) => `Diese Dateien sind von einem anderen System: ${system}.`,
  otherSystemText:
    'Das System auf dieser Karte startet damit vielleicht nicht. Eigene einzelne Dateien lassen sich unbesorgt zurückspielen.',
  otherKernel: (versions) => `Diese Dateien wurden neben einem anderen Kernel gesichert: ${versions}.`,
  otherKernelText: 'Seine Module und was sonst zu einem Kernel gehört, passen vielleicht nicht zu dem auf dieser Karte.',
  otherKernelOffer:
    'Seine Module passen vielleicht nicht zum Kernel auf dieser Karte. Der gesicherte Kernel lässt sich unten mit zurückspielen.',
  incremental: 'Diese Sicherung enthält nur, was sich seit einer früheren geändert hat.',
  incrementalText: 'Die frühere muss zuerst zurückgespielt werden.',
}
