/** What the screen says on which a system becomes as it was delivered, in German; `de.ts` takes it in. */
import type { Catalogue } from './en.ts'

export const deReset: Catalogue['reset'] = {
  goes: 'Das entfernt, was Sie darauf verändert haben',
  goesText:
    'Dateien, Einstellungen, Programme, Konten und Passwörter: alles, was dazukam oder verändert wurde, seit das System ausgeliefert wurde, außer dem, was Sie hier ankreuzen.',
  backup: 'Erst sichern…',
  keep: 'Was bleibt',
  keepText: 'kreuzen Sie an, was erhalten bleibt',
  reading: 'Es wird gelesen, was verändert wurde',
  home: 'Auch Home leeren',
  homeText: 'Home ist auf diesem Stick eine Ablage für sich und bleibt, wie es ist, außer Sie sagen es hier.',
  paths: 'Was bleibt, ein Pfad in jeder Zeile',
  pathsHint: 'Wie das laufende System ihn nennt: home, etc/ssh. Leer: nichts bleibt.',
  noTree: 'Was verändert wurde, lässt sich hier nicht auflisten; nennen Sie stattdessen, was bleiben soll.',
  all: 'Alles ist angekreuzt. Es gäbe nichts zu entfernen.',
}
