import type { Remedy } from '../contract-report.ts'

/** The jobs of the contract that have a verb here. */
export const remediesHere: ReadonlySet<Remedy> = new Set<Remedy>([
  'flash',
  'repair',
  'enlarge',
  'backup',
  'restore',
  'reset',
  'merge',
  'customise',
])

const commands: Record<Remedy, (path: string) => string> = {
  repair: (path) => `livecard repair ${path}`,
  enlarge: (path) => `livecard enlarge ${path} --to max`,
  backup: (path) => `livecard backup ${path} FILE`,
  restore: (path) => `livecard restore FILE ${path}`,
  reset: (path) => `livecard reset ${path}`,
  merge: (path) => `livecard merge ${path}`,
  switch: (path) => `livecard switch ${path} --slot a|b`,
  modules: (path) => `livecard modules ${path} check`,
  customise: (path) => `livecard customise ${path} --root-password`,
  flash: (path) => `livecard flash IMAGE ${path}`,
}

/** What helps, as it would be typed. */
export function remedyText(remedy: Remedy, path: string): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
  return remediesHere.has(remedy) ? commands[remedy](quoted) : `${remedy}, which this version of Livecard does not do yet`
}
