/**
 * Errors in German: the common ones whole, the others by a headline of their kind above the helper's own English. What an error means for the data is
 * translated only where it is always the same.
 */
import type { ErrorValue } from '../../native-helpers/contract.ts'
import type { ErrorWords } from './sentences.ts'

const nothingWritten = 'Nichts wurde geschrieben.'
const refused = (message: string, next: string): ErrorWords => ({ message, meaning: nothingWritten, next })

const otherDrive = 'Wählen Sie ein anderes Laufwerk.'

/** Of a plan that is not made: nothing has been written in any of these. */
const refusals: Record<string, ErrorWords> = {
  'drive-system': refused('Von diesem Laufwerk läuft Ihr System; es wird nicht beschrieben.', otherDrive),
  'drive-mounted-system': refused('Ihr System benutzt einen Teil dieses Laufwerks; es wird nicht beschrieben.', otherDrive),
  'drive-swap': refused('Ihr System benutzt dieses Laufwerk als Auslagerungsspeicher; es wird nicht beschrieben.', otherDrive),
  'drive-holder': refused(
    'Dieses Laufwerk wird gerade benutzt.',
    'Schließen Sie erst, was es benutzt, oder wählen Sie ein anderes.',
  ),
  'drive-virtual': refused(
    'Das ist ein virtuelles Laufwerk.',
    'Erlauben Sie virtuelle Laufwerke in den Einstellungen, wenn Sie es meinen.',
  ),
  'drive-read-only': refused(
    'Dieses Laufwerk ist schreibgeschützt.',
    'Sehen Sie nach dem kleinen Schieber an der Seite der Karte.',
  ),
  'drive-empty': refused('In diesem Leser steckt keine Karte.', 'Stecken Sie eine Karte ein.'),
  'drive-changed': refused(
    'Es ist nicht mehr das Laufwerk, das gewählt wurde.',
    'Sehen Sie die Liste noch einmal an, und wählen Sie neu.',
  ),
  'drive-not-found': refused('Dieses Laufwerk ist nicht mehr da.', 'Stecken Sie es wieder ein, oder wählen Sie ein anderes.'),
  'image-on-target': refused(
    'Das Abbild liegt auf dem Laufwerk, das beschrieben werden soll.',
    'Kopieren Sie es erst auf diesen Rechner.',
  ),
  'file-exists': refused('Diese Kartendatei gibt es schon, in anderer Größe.', 'Wählen Sie einen anderen Namen.'),
  'folder-not-found': refused('Diesen Ordner gibt es nicht.', 'Legen Sie ihn an, oder wählen Sie einen anderen.'),
  'no-room': refused('In diesem Ordner ist nicht genug Platz.', 'Schaffen Sie Platz, oder wählen Sie einen anderen Ordner.'),
  'plan-unknown': refused('Dieser Plan gilt nicht mehr.', 'Machen Sie den Plan neu, und bestätigen Sie den neuen.'),
  'card-changed': refused(
    'Die Karte ist nicht mehr, wie sie war, als der Plan gemacht wurde.',
    'Sehen Sie nach, dass nichts anderes die Karte benutzt, und machen Sie einen neuen Plan.',
  ),
  'backup-exists': refused('Eine Datei dieses Namens gibt es schon.', 'Wählen Sie einen anderen Namen.'),
  'backup-on-card': refused(
    'Diese Datei läge auf der Karte, die gesichert wird.',
    'Wählen Sie einen Ort auf einem anderen Datenträger.',
  ),
  'backup-busy': refused('Diese Karte wird schon gesichert.', 'Warten Sie, bis das zu Ende ist, oder halten Sie es an.'),
  'only-impossible': refused(
    'Ein Teil davon lässt sich nicht für sich zurückspielen.',
    'Kreuzen Sie den Ordner darüber als Ganzes an, oder lassen Sie den Teil weg.',
  ),
  'card-busy': refused('Diese Karte wird schon verändert.', 'Warten Sie, bis das zu Ende ist.'),
  'undo-card-changed': refused(
    'Die Karte wurde verändert, seit diese Rücknahme-Datei gemacht wurde. Zurückzunehmen würde beschädigen, was danach kam.',
    'Sehen Sie die Karte an. Geht sie, lassen Sie sie, wie sie ist; die Rücknahme-Datei kann dann weg.',
  ),
  'undo-other-card': refused(
    'Das ist nicht die Karte, zu der die Rücknahme-Datei gehört.',
    'Stecken Sie die Karte ein, die verändert wurde, und wählen Sie sie.',
  ),
  'target-twice': refused('Ein Ziel ist zweimal gewählt.', 'Wählen Sie jedes nur einmal.'),
}

const others: Record<string, ErrorWords> = {
  cancelled: {
    message: 'Angehalten.',
    meaning: 'Was bisher geschrieben wurde, ist kein benutzbares System.',
    next: 'Schreiben Sie die Karte neu, bevor Sie sie benutzen.',
  },
  'enlarge-impossible': { message: 'Das lässt sich nicht vergrößern.', meaning: null, next: null },
  'keep-impossible': { message: 'Das kann nicht erhalten bleiben.', meaning: null, next: null },
  'job-not-for-this': { message: 'Mit dem, was auf dieser Karte ist, geht das nicht.', meaning: null, next: null },
  'backup-nothing': { message: 'Auf dieser Karte ist nichts, was sich für sich sichern ließe.', meaning: null, next: null },
  'backup-disk-full': { message: 'Der Datenträger, auf den gesichert wird, ist voll.', meaning: null, next: null },
  'backup-unreadable': { message: 'Das lässt sich nicht sichern.', meaning: null, next: null },
  'archive-damaged': { message: 'Diese Sicherung ist beschädigt oder unvollständig.', meaning: null, next: null },
  'archive-not-found': { message: 'Diese Datei gibt es nicht.', meaning: null, next: null },
  'restore-does-not-fit': { message: 'Diese Sicherung passt nicht zu dieser Karte.', meaning: null, next: null },
  'restore-no-room': { message: 'Auf der Karte ist nicht genug Platz dafür.', meaning: null, next: null },
  'image-too-large': { message: 'Das Abbild passt nicht auf dieses Laufwerk.', meaning: null, next: null },
  'image-truncated': { message: 'Das Abbild hört zu früh auf.', meaning: null, next: null },
  'image-unsupported': { message: 'Livecard kennt diese Art von Abbild nicht.', meaning: null, next: null },
  'checksum-mismatch': { message: 'Das Abbild ist nicht das, das veröffentlicht wurde.', meaning: null, next: null },
  'verify-mismatch': { message: 'Auf der Karte steht nicht, was im Abbild steht.', meaning: null, next: null },
  'customise-impossible': { message: 'Diese Karte kann nicht eingerichtet werden.', meaning: null, next: null },
  'settings-timezone-unknown': { message: 'Das System kennt diese Zeitzone nicht.', meaning: null, next: null },
  'settings-locale-unknown': { message: 'Das System hat diese Sprache nicht.', meaning: null, next: null },
  'settings-layout-unknown': { message: 'Das System kennt diese Tastaturbelegung nicht.', meaning: null, next: null },
  'settings-variant-unknown': { message: 'Das System kennt diese Tastaturvariante nicht.', meaning: null, next: null },
  'settings-no-ssh-server': { message: 'Das System hat keinen SSH-Server.', meaning: null, next: null },
  'settings-no-wifi': { message: 'Das System kann sich mit keinem Funknetz verbinden.', meaning: null, next: null },
  'settings-interface-needed': { message: 'Dieses System verlangt den Namen des Netzgeräts.', meaning: null, next: null },
  'settings-user-without-password': {
    message: 'Der neue Benutzer könnte sich nicht anmelden: Ihm fehlt ein Kennwort oder ein Schlüssel.',
    meaning: null,
    next: null,
  },
  'drive-io': { message: 'Das Laufwerk meldet einen Fehler beim Lesen oder Schreiben.', meaning: null, next: null },
  'drive-hangs': { message: 'Das Laufwerk antwortet nicht mehr.', meaning: null, next: null },
  'helper-gone': {
    message: 'Der Teil von Livecard, der mit den Laufwerken spricht, ist nicht da.',
    meaning: 'Nichts wurde verändert.',
    next: 'Starten Sie ihn neu.',
  },
}

const kinds: Record<ErrorValue['kind'], string> = {
  failed: 'Das ist fehlgeschlagen.',
  usage: 'So geht es nicht.',
  refused: 'Das wird zur Sicherheit nicht getan.',
  data: 'Die Daten sind nicht, wie sie sein sollen.',
  privilege: 'Dafür fehlt die Berechtigung.',
  differs: 'Karte und Abbild sind verschieden.',
  cancelled: 'Angehalten.',
}

export function germanErrorOf({ kind, code }: ErrorValue): ErrorWords {
  const known = (kind === 'usage' || kind === 'refused' ? refusals[code] : undefined) ?? others[code]
  return known ?? { message: kinds[kind], meaning: null, next: null }
}
