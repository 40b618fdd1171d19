/** What the screens of saving a card say, and the tree of files in them, in German; `de.ts` takes it in. */
import type { Catalogue } from './en.ts'

const s = (count: number, shown: string, one: string, many: string) => `${shown} ${count === 1 ? one : many}`

/** By what the helper calls them in a choice. */
const parts: Record<string, string> = {
  rw: 'Ihre Änderungen',
  persistence: 'Die ganze Partition Ihrer Änderungen',
  overlay: 'Ihre Änderungen',
  store: 'Das Overlay, wie es ist',
  home: 'Home',
  data: 'Ihre Dateien und Einstellungen',
  settings: 'Bewahrte Einstellungen',
  log: 'Protokoll',
}

/** By what the helper says of them. */
const notes: Record<string, string> = {
  'Everything that differs from the system as it was installed, with the marks for what was deleted.':
    'Alles, was sich vom System unterscheidet, wie es installiert wurde, mit den Zeichen für Gelöschtes.',
  'Every file that differs from the system image, with marks for what was deleted.':
    'Jede Datei, die sich vom Systemabbild unterscheidet, mit Zeichen für Gelöschtes.',
  'Also what overlayfs keeps beside the changes, and what else you put there.':
    'Auch was overlayfs neben den Änderungen aufbewahrt, und was Sie sonst dorthin gelegt haben.',
  'Block by block, without its unused end: worth something only together with exactly this system image.':
    'Block für Block, ohne sein unbenutztes Ende: nur zusammen mit genau diesem Systemabbild etwas wert.',
  'It is saved as it is, encrypted and with all its free room: its files cannot be seen without the passphrase.':
    'Sie wird gesichert, wie sie ist, verschlüsselt und mit allem freien Platz: ohne das Kennwort sind ihre Dateien nicht zu sehen.',
}

export const deTree: Catalogue['tree'] = {
  deleted: 'im System gelöscht',
  folder: (files) => (files > 0 ? `Ordner, ${files} ${files === 1 ? 'Datei' : 'Dateien'}` : 'Ordner'),
  other: 'keine gewöhnliche Datei',
  loading: 'wird gelesen…',
  more: 'In diesem Ordner ist mehr, als gezeigt wird: er lässt sich nur als Ganzes ankreuzen.',
}

export const deBackup: Catalogue['backup'] = {
  title: (where) => `${where} sichern`,
  sub: 'Was Sie verändert und gespeichert haben, kommt in eine Datei auf diesem Rechner. Die Karte wird nur gelesen.',
  opening: 'Es wird gelesen, was sich sichern lässt',
  again: 'Noch einmal lesen',
  know: 'Gut zu wissen',
  what: 'Was gesichert wird',
  whatText: 'nehmen Sie weg, was Sie nicht brauchen',
  part: (what, title) => parts[what] ?? (title || what),
  note: (note) => notes[note] ?? note,
  kernel: 'Auch den Kernel',
  kernelText:
    'Ihre Änderungen passen nur zu dem Kernel, mit dem sie entstanden. Mit ihm lässt sich die Sicherung auch auf eine Karte bringen, die einen anderen hat.',
  since: 'Nur was sich seit einer früheren Sicherung geändert hat',
  sinceText: 'Dann braucht es beide, um alles zurückzuspielen.',
  sinceChoose: 'Die frühere wählen…',
  sinceOther: 'Eine andere…',
  sinceNone: 'Alles sichern',
  sinceTitle: 'Die frühere Sicherung wählen',
  where: 'Wohin',
  file: 'Datei',
  fileHint: 'Das Ende des Namens sagt, wie sie gepackt wird: .tar.zst, .tar.gz, oder .tar so, wie es ist.',
  badName: 'Der Name muss mit .tar, .tar.gz oder .tar.zst enden.',
  act: (name) => `Als ${name} sichern`,
  counting: 'Es wird gezählt…',
  files: (n, shown) => `in ${s(n, shown, 'Datei', 'Dateien')}`,
  removed: (n, shown) => `${s(n, shown, 'Datei ist', 'Dateien sind')} seither weg`,
  packed: 'So viel wird von der Karte gelesen. Gepackt wird es kleiner; um wie viel, zeigt sich am Ende.',
  nothingChosen: 'Nichts ist angekreuzt.',
  left: (n) => (n === 1 ? 'Eines lässt sich nicht sichern' : `${n >= 100 ? 'Mindestens 100' : n} lassen sich nicht sichern`),
  running: (where) => `${where} wird gesichert`,
  runningText: 'Die Karte wird nur gelesen. Sie können inzwischen anderes ansehen.',
  saving: 'Sichert',
  savingWord: (percent) => (percent === null ? 'Sichert…' : `Sichert · ${percent}`),
  filesOf: (done, all) => `${done} von ${all} Dateien`,
  stop: 'Anhalten…',
  stopTitle: 'Die Sicherung anhalten?',
  stopText: 'Was von der Datei schon geschrieben ist, wird entfernt. Die Karte bleibt so oder so unverändert.',
  goOn: 'Weitermachen',
  stopped: 'Angehalten.',
  stoppedText: 'Was von der Datei geschrieben war, ist wieder entfernt. Die Karte wurde nur gelesen.',
  stopAct: 'Anhalten und entfernen',
  result: (where) => `Sicherung von ${where}`,
  done: (n, shown) => `${s(n, shown, 'Datei ist', 'Dateien sind')} gesichert.`,
  doneText:
    'Die Sicherung ist vollständig, und jede Datei darin hat eine Prüfsumme. Bewahren Sie sie auf einem anderen Datenträger auf als der Karte.',
  unread: (n, shown) => `Gesichert, aber ${s(n, shown, 'Datei ließ', 'Dateien ließen')} sich nicht ganz lesen.`,
  unreadText: 'Was sich nicht lesen ließ, ist mit Nullen gefüllt und in der Sicherung genannt. Alles andere ist vollständig.',
  archive: 'Sicherungsdatei',
  content: 'Inhalt',
  gone: 'Diese Sicherung ist nicht bekannt',
  goneText: 'Sie endete, bevor die App gestartet wurde.',
  home: 'Zum Anfang',
}

export const deSavePlace: Catalogue['savePlace'] = { choose: 'Wählen…' }
