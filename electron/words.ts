/** What the shell itself says, outside the page. */
import { app } from 'electron'

const english = {
  pickTitle: 'Choose an image',
  images: 'Disk images',
  allFiles: 'All files',
  edit: 'Edit',
  view: 'View',
  window: 'Window',
  file: 'File',
  quitTitle: 'A card is still being written',
  quitDetail: 'If you stop now, what is on the card so far is not a usable system and has to be written again.',
  keepOn: 'Go on writing',
  stopAndQuit: 'Stop writing and quit',
}

export type Words = typeof english

const german: Words = {
  pickTitle: 'Abbild auswählen',
  images: 'Abbilder',
  allFiles: 'Alle Dateien',
  edit: 'Bearbeiten',
  view: 'Ansicht',
  window: 'Fenster',
  file: 'Datei',
  quitTitle: 'Eine Karte wird noch beschrieben',
  quitDetail:
    'Wird jetzt angehalten, ist das bisher Geschriebene kein brauchbares System, und die Karte muss neu beschrieben werden.',
  keepOn: 'Weiter schreiben',
  stopAndQuit: 'Anhalten und beenden',
}

export function words(): Words {
  return app.getLocale().startsWith('de') ? german : english
}
