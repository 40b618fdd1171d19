/** What the helper says of a plan and of refused drives, in German. */
import type { Refusal } from '../../native-helpers/contract.ts'
import type { SentenceTable } from './sentences.ts'

const leftOut = {
  nothing: '',
  bmap: ', ohne das, was seine Blockkarte weglässt',
  unused: ', ohne das, was in seinen Dateisystemen frei ist',
}

export const germanSentences: SentenceTable = {
  unmount: ({ mounts }) => `${mounts} aushängen.`,
  'mark-unfinished': () => 'Den Anfang der Karte als nicht fertig kennzeichnen und ihr Ende leeren.',
  write: ({ image, packed, targets, leftOut: left }) => {
    const many = targets > 1 ? ` auf ${targets} Ziele zugleich` : ''
    return `${image}${packed ? ' entpacken und' : ''}${many} schreiben${leftOut[left]}; den ersten Block zurückhalten.`
  },
  'check-sum': () => 'Die Prüfsumme des Abbilds mit der veröffentlichten vergleichen.',
  'read-back': () => 'Alles Geschriebene zurücklesen und vergleichen.',
  finish: () => 'Den ersten Block schreiben und abschließen: erst jetzt ist die Karte benutzbar.',
  'finish-compared': () => 'Den ersten Block schreiben, vergleichen und abschließen: erst jetzt ist die Karte benutzbar.',
  'no-sum': ({ image }) =>
    `Zu ${image} ist keine Prüfsumme bekannt: ob das Abbild vollständig ist, lässt sich von außen nicht sagen.`,
  'no-sum-network': ({ image }) =>
    `Zu ${image} aus dem Netz ist keine Prüfsumme bekannt: ob das Abbild vollständig ankommt, lässt sich von außen nicht sagen.`,
  http: () => 'Das Abbild kommt über eine ungeschützte Verbindung (http): unterwegs könnte es jeder verändern.',
  'no-read-back': () => 'Das Geschriebene wird nicht zurückgelesen und verglichen.',
  'size-unknown': () =>
    'Wie groß das Abbild ist, zeigt sich erst beim Entpacken; passt es nicht, endet das Schreiben mittendrin, und die Karte bleibt als nicht fertig gekennzeichnet.',
  'not-a-disk': () =>
    'Nichts im Abbild sagt, dass es das eines Datenträgers ist (keine Partitionstabelle, kein bekanntes Dateisystem).',
  virtual: () => 'Virtuelle Laufwerke sind für diesen Auftrag erlaubt.',
  'large-drive': ({ name, sizeBytes }, format) =>
    `${name} ist für eine Karte oder einen Stick ungewöhnlich groß (${format.size(sizeBytes)}). Vergewissern Sie sich, dass es das gemeinte Laufwerk ist.`,
  'small-card': ({ name, sizeBytes, system }, format) =>
    `${system} ist für Karten ab 8 GB gemacht, und ${name} hat ${format.size(sizeBytes)}: Für Änderungen bleibt womöglich kaum Platz.`,
  volume: ({ name, fs, sizeBytes }, format) => {
    const details = [fs, sizeBytes > 0 ? format.size(sizeBytes) : ''].filter(Boolean).join(', ')
    const called = name ? `„${name}“` : 'ein Datenträger ohne Namen'
    return details ? `${called} (${details})` : called
  },
  'card-image': ({ name, sizeBytes }, format) => `was die Kartendatei ${name} (${format.size(sizeBytes)}) jetzt enthält`,
}

type RefusalWords = (reason: string) => { reason: string; detail: string | null }
const whole =
  (german: string): RefusalWords =>
  () => ({ reason: german, detail: null })
/** The helper's sentence names what uses the drive. */
const withDetail =
  (german: string): RefusalWords =>
  (reason) => ({ reason: german, detail: reason })

export const germanRefusals: Record<Refusal['code'], RefusalWords> = {
  system: whole('Das System, das Sie gerade benutzen, läuft davon.'),
  'mounted-system': withDetail('Das laufende System benutzt einen Teil davon.'),
  swap: withDetail('Das System benutzt es gerade als Auslagerungsspeicher.'),
  holder: withDetail('Es gehört zu etwas, das gerade benutzt wird und erst geschlossen werden muss.'),
  virtual: whole('Es ist kein echtes Laufwerk, sondern eines, das der Rechner aus Speicher oder einer Datei macht.'),
  'read-only': whole('Es ist schreibgeschützt. Viele Karten haben dafür einen kleinen Schieber an der Seite.'),
  empty: whole('Es steckt keine Karte darin, oder sie ist leer (0 Byte).'),
  unknown: withDetail('Livecard beschreibt Laufwerke dieser Art nicht.'),
}
