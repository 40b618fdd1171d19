/** What the screens of changing cards and taking it back say, in German; `de.ts` takes it in. */
import { deChangeJobs } from './de-change-jobs.ts'
import type { Catalogue } from './en.ts'

const titles = [
  ['Repair', 'Reparatur von'],
  ['Enlarge', 'Vergrößerung von'],
  ['Reset', 'Neuer Anfang auf'],
  ['Merge', 'Übernahme auf'],
  ['Convert', 'Umwandlung auf'],
  ['Restore to', 'Zurückspielen auf'],
  ['Settings of', 'Einrichten von'],
] as const

/** The helper's titles are English and of one form for each job. */
function job(title: string): string {
  const known = titles.find(([english]) => title.startsWith(`${english} `))
  return known ? `${known[1]}${title.slice(known[0].length)}` : title
}

export const deChange: Catalogue['change'] = {
  jobs: deChangeJobs,
  plan: {
    sub: 'Das wird getan. Es wurde erst im Arbeitsspeicher ausprobiert; noch ist nichts verändert.',
    made: 'Der Plan ist fertig.',
    stop: 'Anhalten',
    stopped: 'Der Plan wurde nicht zu Ende gemacht.',
    stoppedText: 'Er wurde angehalten. Nichts wurde verändert.',
    wrong: 'Was nicht stimmt',
    steps: 'Was getan wird',
    unmount: (mounts) => `${mounts} aushängen, damit nichts anderes inzwischen darauf schreibt.`,
    keeps: 'Was bleibt',
    keepsNone: 'Alles, was nicht unter dem steht, was getan wird.',
    losesNone: 'Nichts, wovon Livecard weiß.',
    notes: 'Gut zu wissen',
    way: 'Der Weg zurück',
    wayText:
      'Was jetzt dort steht, wo geschrieben wird, wird in einer Rücknahme-Datei bewahrt. Sie liegt sicher auf diesem Rechner, bevor das erste Byte der Karte sich ändert. Mit ihr lässt sich der Auftrag zurücknehmen, auch einer, den ein Stromausfall mittendrin beendet hat.',
    writes: 'Schreibt auf die Karte',
    undoFile: 'Rücknahme-Datei',
    nothingWhy: 'Hier lässt sich nichts reparieren.',
    nothingWhyText: 'Was gefunden wurde, behebt eine Reparatur nicht; warum, steht unten. Die Karte bleibt, wie sie ist.',
    again: 'Plan neu machen',
    toCard: 'Zur Karte',
    toWish: 'Anders wählen',
    confirmText: (size) => `${size} werden darauf geschrieben. Einmal begonnen, wird es zu Ende gebracht.`,
    confirmBack: 'Es lässt sich danach zurücknehmen.',
    lost: 'Das geht dabei verloren',
    warn: {
      reset:
        'Ohne eine Sicherung bringt nur die Rücknahme-Datei zurück, was jetzt geht, und nur, solange nichts anderes auf die Karte geschrieben wird.',
      merge: 'Danach führt nur noch die Rücknahme-Datei zum System, wie es ausgeliefert wurde.',
      restore: 'Was jetzt an diesen Stellen auf der Karte ist, wird ersetzt.',
    },
  },
  wish: {
    sub: 'Erst kommt ein Plan. Wählen verändert nichts.',
    plan: 'Plan zeigen…',
  },
  undo: {
    job,
    title: (title) => `Zurücknehmen: ${job(title)}`,
    sub: 'Noch ist nichts verändert.',
    making: 'Die Rücknahme-Datei wird gelesen',
    what: 'Was getan wird',
    puts: (size) => `Die bewahrten ${size} kommen zurück an die Stellen, von denen sie stammen.`,
    asBefore: 'Die Karte ist dann, wie sie vorher war, mit allem, was damals nicht stimmte.',
    used: 'Eine Karte, die seither benutzt wurde, wird abgelehnt, und nichts wird geschrieben: alte Stücke würden beschädigen, was neu ist.',
    facts: 'Worum es geht',
    begun: 'Begonnen',
    card: 'Karte',
    file: 'Rücknahme-Datei',
    nothing: 'Es gibt nichts zurückzunehmen.',
    nothingText: 'Dieser Auftrag kam nicht so weit, auf die Karte zu schreiben.',
    already: 'Das wurde schon zurückgenommen.',
    alreadyText: 'Die Karte ist wieder, wie sie vorher war; mehr ist nicht zu tun.',
    elsewhere: 'Ist die Karte jetzt woanders?',
    elsewhereText:
      'Eine Karte kann im System anders heißen als damals. Wählen Sie die, die verändert wurde; eine andere wird erkannt und abgelehnt.',
    chooseFile: 'Kartendatei wählen…',
    act: (title) => `„${job(title)}“ zurücknehmen`,
    question: (title) => `„${job(title)}“ zurücknehmen?`,
    confirmText: (path, size) => `${size} werden auf ${path} zurückgebracht. Die Karte ist dann, wie sie vorher war.`,
    toHistory: 'Zum Verlauf',
    running: (where) => `Änderungen auf ${where} werden zurückgenommen`,
    doing: 'Nimmt zurück',
    failed: 'Zurücknehmen fehlgeschlagen',
  },
  confirm: {
    leave: 'Lassen, wie es ist',
    starting: 'Beginnt…',
  },
  running: {
    sub: 'Es wird zu Ende gebracht: eine halb veränderte Karte hilft niemandem. Sie können inzwischen anderes ansehen.',
    stages: {
      reading: 'Die Karte wird noch einmal gelesen, damit sicher ist, dass sie noch die des Plans ist',
      keeping: 'Bewahrt, was jetzt dort steht',
      writing: 'Schreibt',
      looking: 'Die Karte wird angesehen, wie sie jetzt ist',
    },
    soFar: {
      reading: () => '',
      keeping: (amount) => `${amount} bewahrt`,
      writing: (amount) => `${amount} geschrieben`,
      looking: (amount) => `${amount} geschrieben`,
    },
    announce: (phase, percent) => `${phase}, ${percent}`,
    show: 'Ansehen, wie weit es ist',
    power: 'Lassen Sie die Karte stecken',
    powerFile: 'Fällt jetzt der Strom aus, ist nichts verloren.',
    powerFileText: 'Was vorher da stand, ist in der Rücknahme-Datei, und der Verlauf nimmt zurück, was begonnen war.',
    powerText:
      'Fällt der Strom aus oder kommt die Karte heraus, ist nicht verloren, was vorher da stand: es ist in der Rücknahme-Datei, und der Verlauf nimmt zurück, was begonnen war.',
    powerUndo:
      'Fällt der Strom aus oder kommt die Karte heraus, nehmen Sie es im Verlauf noch einmal zurück: die Rücknahme-Datei bleibt, bis Sie sie entfernen.',
    lost: 'Verbindung verloren: wie weit es jetzt ist, ist nicht bekannt',
  },
  result: {
    undo: (where) => `Zurückgenommen auf ${where}`,
    undoFailed: (where) => `Zurücknehmen auf ${where}`,
    wellText: 'Die Karte wurde neu gelesen, und alles, was Livecard prüfen kann, wurde geprüft.',
    leftText: 'Die Karte wurde danach neu gelesen. Gefunden wurde dabei:',
    drive:
      'Die Karte kann jetzt heraus. Probieren Sie sie in dem Rechner, für den sie ist, und behalten Sie die Rücknahme-Datei, bis Sie wissen, dass sie geht.',
    file: 'Behalten Sie die Rücknahme-Datei, bis Sie wissen, dass die Karte geht.',
    back: 'Die Karte ist, wie sie vorher war.',
    backText: 'Alles, was die Rücknahme-Datei bewahrt hat, wurde zurückgebracht.',
    written: 'Geschrieben',
    took: 'Dauer',
    way: 'Der Weg zurück',
    wayText: 'Diese Rücknahme-Datei nimmt es zurück, solange seither nichts anderes auf der Karte verändert wurde.',
    take: 'Zurücknehmen…',
    takeFailed: 'Was geschrieben wurde, lässt sich zurücknehmen',
    takeFailedText: 'Die Rücknahme-Datei enthält, was vorher auf der Karte stand.',
    look: 'Die Karte ansehen',
    again: 'Neuen Plan machen',
    gone: 'Diese Änderung ist nicht bekannt',
    goneText: 'Sie endete, bevor die App gestartet wurde. Was sich zurücknehmen lässt, steht im Verlauf.',
  },
  history: {
    title: 'Was sich zurücknehmen lässt',
    text: 'Bevor ein Auftrag eine Karte verändert, bewahrt er, was dort steht, in einer Rücknahme-Datei auf diesem Rechner.',
    on: (path) => `auf ${path}`,
    states: { ready: 'lässt sich zurücknehmen', already: 'zurückgenommen', nothing: 'schrieb nie auf die Karte' },
    holds: (size) => `bewahrt ${size}`,
    unreadable: 'Eine Rücknahme-Datei, die sich nicht lesen lässt',
    take: 'Zurücknehmen…',
    takeOf: (title) => `Zurücknehmen… ${job(title)}`,
    remove: 'Entfernen…',
    removeOf: (title) => `Entfernen… Rücknahme-Datei von „${job(title)}“`,
    removeTitle: (title) => `Rücknahme-Datei von „${job(title)}“ entfernen?`,
    removeUnreadable: (name) => `Die Datei ${name} entfernen?`,
    removeReady: 'Was der Auftrag verändert hat, lässt sich dann nicht mehr zurücknehmen. Die Karte selbst bleibt unberührt.',
    removeText: 'Mit ihr lässt sich nichts zurücknehmen. Die Karte selbst bleibt unberührt.',
    keep: 'Behalten',
    removeAct: 'Rücknahme-Datei entfernen',
    jobs: 'Was geschrieben und verglichen wurde',
  },
  interrupted: {
    title: (what) => `Unterbrochen: ${what}`,
    text: 'Die Karte ist vielleicht halb verändert. Was vorher da stand, ist in der Rücknahme-Datei: nehmen Sie zurück, was begonnen war, oder machen Sie einen neuen Plan.',
    toHistory: 'Zum Verlauf',
  },
}
