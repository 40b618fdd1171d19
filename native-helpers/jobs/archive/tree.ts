import type { BackupEntry } from '../../contract-backup.ts'
import { archiveTooDeep, archiveTooMany } from './errors.ts'

export interface ArchiveItem {
  path: string
  kind: BackupEntry['kind']
  sizeBytes: number
  /** Milliseconds since 1970. */
  modifiedAt: number
}

/** Each takes some hundred bytes, with the folders above it. */
const mostItems = 500_000
/** Deeper than any system goes. */
const mostLevels = 512

/** The members of an archive by their folders, each folder with what comes to it in all. Throws where an archive has more than can be told. */
export class ArchiveTree {
  readonly #folders = new Map<string, Map<string, BackupEntry>>()
  #items = 0

  add({ path, kind, sizeBytes, modifiedAt }: ArchiveItem): void {
    const names = path.split('/')
    if (names.length > mostLevels) throw archiveTooDeep(path)
    this.#items += 1
    if (this.#items > mostItems) throw archiveTooMany(mostItems)
    let above = ''
    for (const [level, name] of names.entries()) {
      const whole = above === '' ? name : `${above}/${name}`
      const entry = this.#entry(above, name, whole)
      if (level === names.length - 1) Object.assign(entry, { kind, modifiedAt })
      if (kind !== 'folder') {
        entry.files += 1
        entry.sizeBytes += sizeBytes
      }
      above = whole
    }
  }

  /** Folders first, by name; "" is the top. */
  in(folder: string): BackupEntry[] {
    return [...(this.#folders.get(folder)?.values() ?? [])].sort(
      (a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || (a.name < b.name ? -1 : 1),
    )
  }

  #entry(above: string, name: string, path: string): BackupEntry {
    const folder = this.#folders.get(above) ?? new Map<string, BackupEntry>()
    this.#folders.set(above, folder)
    const entry = folder.get(name) ?? { name, path, kind: 'folder', sizeBytes: 0, files: 0, modifiedAt: 0 }
    folder.set(name, entry)
    return entry
  }
}
