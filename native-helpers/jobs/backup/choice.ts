import type { ArchiveFile, Manifest } from '../../systems/archive/manifest.ts'
import { decodeTime } from '../../volumes/tar/pax.ts'
import type { NodeTime } from '../../volumes/tree.ts'
import { otherCard, unknownPath } from './errors.ts'
import type { BackupGap, BackupItem, PartItems } from './items.ts'

export interface ChosenPart extends Pick<PartItems, 'part'> {
  items: BackupItem[]
}

export interface Chosen {
  parts: ChosenPart[]
  gaps: BackupGap[]
  /** Paths of the earlier archive that are gone. */
  removed: string[]
  /** Members with content that go into this archive. */
  files: number
  bytes: number
}

/** What of the parts goes into an archive. Throws where a chosen path does not exist, or the earlier archive is another card's. */
export function chosenOf(parts: readonly PartItems[], only: readonly string[], since: Manifest | null): Chosen {
  const isChosen = chooser(parts, only)
  const earlier = new Map(since?.files.map((file) => [file.path, file]))
  const chosen: Chosen = { parts: [], gaps: [], removed: [], files: 0, bytes: 0 }
  const there = new Set<string>()
  for (const { part, items, gaps } of parts) {
    if (since) checkSameCard(part.what, part.origin, since)
    chosen.gaps.push(...gaps.filter(({ path }) => isChosen(path)))
    const first = new Map<number, string>()
    const kept: BackupItem[] = []
    for (const item of items) {
      if (!isChosen(item.path)) continue
      there.add(item.path)
      item.link = item.linkId === null ? null : (first.get(item.linkId) ?? null)
      if (item.linkId !== null && item.link === null) first.set(item.linkId, item.path)
      item.unchanged = unchangedSince(item, earlier)
      kept.push(item)
    }
    if (since) {
      takeWhereNeeded(kept)
      const above = `${part.what}/`
      for (const path of earlier.keys()) if (path.startsWith(above) && isChosen(path) && !there.has(path)) chosen.removed.push(path)
    }
    chosen.parts.push({ part, items: kept })
  }
  for (const { items } of chosen.parts) {
    for (const item of items) {
      if (item.unchanged || item.kind === 'folder') continue
      chosen.files += 1
      if (item.link === null) chosen.bytes += item.contentBytes
    }
  }
  return chosen
}

/** A chosen folder with all that is in it, and the folders above what is chosen. */
function chooser(parts: readonly PartItems[], only: readonly string[]): (path: string) => boolean {
  if (only.length === 0) return () => true
  const wanted = new Set(only.map((path) => path.replace(/\/+$/, '')))
  const above = new Set<string>()
  for (const path of wanted) for (const folder of foldersAbove(path)) above.add(folder)
  const known = new Set(parts.flatMap(({ items }) => items.map(({ path }) => path)))
  for (const path of wanted) if (!known.has(path)) throw unknownPath(path)
  return (path) => {
    if (above.has(path) || wanted.has(path)) return true
    for (const folder of foldersAbove(path)) if (wanted.has(folder)) return true
    return false
  }
}

function* foldersAbove(path: string): Generator<string> {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) yield path.slice(0, slash)
}

function unchangedSince(item: BackupItem, earlier: ReadonlyMap<string, ArchiveFile>): BackupItem['unchanged'] {
  const before = earlier.get(item.path)
  if (!before || before.kind !== item.kind || before.size !== item.sizeBytes) return null
  if (!isTime(before.mtime, item.modified)) return null
  // Whatever is done to a file sets this one; where there is none, nothing can be told.
  if (before.ctime === null || item.changed === null || !isTime(before.ctime, item.changed)) return null
  const sha256 = before.link === null ? before.sha256 : (earlier.get(before.link)?.sha256 ?? null)
  if (item.kind === 'file' && sha256 === null) return null
  return { sha256: item.kind === 'file' ? sha256 : null }
}

function isTime(text: string, { seconds, nanoseconds }: NodeTime): boolean {
  const time = decodeTime(Buffer.from(text))
  return time.seconds === seconds && time.nanoseconds === nanoseconds
}

/** A file of several names is stored with all of them or none, and the folders above what is stored get their times back. */
function takeWhereNeeded(items: BackupItem[]): void {
  const storedLinks = new Set(items.flatMap(({ linkId, unchanged }) => (unchanged || linkId === null ? [] : [linkId])))
  const folders = new Set<string>()
  for (const item of items) {
    if (item.linkId !== null && storedLinks.has(item.linkId)) item.unchanged = null
    if (item.unchanged === null) for (const folder of foldersAbove(item.path)) folders.add(folder)
  }
  for (const item of items) if (item.kind === 'folder' && folders.has(item.path)) item.unchanged = null
}

function checkSameCard(what: string, origin: PartItems['part']['origin'], since: Manifest): void {
  const before = since.parts.find((part) => part.what === what)
  if (!before) return
  if (before.origin.uuid !== origin.uuid)
    throw otherCard(
      `its "${what}" was on a volume with the UUID ${before.origin.uuid ?? 'none'}, here it is ${origin.uuid ?? 'none'}`,
    )
}
