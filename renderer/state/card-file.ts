/** A file as large as a card: where it is to lie, how large it is to be, and whether something is there already. */
import type { Target } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'
import { fileName } from './image.ts'
import type { FlashMode } from './route.ts'
import { bytesOfText } from './size-text.ts'

/** What is at the path: not known yet, nothing, no folder to put it in, a folder, or a file. */
export type Place = 'unknown' | 'free' | 'no-folder' | 'folder' | { sizeBytes: number }

export interface CardFile {
  wanted: boolean
  path: string
  /** As typed. */
  size: string
  place: Place
}

export type SizeProblem = 'empty' | 'unreadable' | 'small' | 'large'

const sectorBytes = 512

/** In whole sectors, as on a card. */
export function cardFileBytes(size: string): number | SizeProblem {
  const exactBytes = bytesOfText(size)
  if (typeof exactBytes === 'string') return exactBytes
  if (exactBytes < 1e6) return 'small'
  if (exactBytes > 4e12) return 'large'
  return Math.floor(exactBytes / sectorBytes) * sectorBytes
}

export type PathProblem = 'notFull' | 'noFolder' | 'isFolder' | 'noFile'

export function pathProblem({ path, place }: Pick<CardFile, 'path' | 'place'>, mode: FlashMode): PathProblem | null {
  if (!isFullPath(path)) return 'notFull'
  if (place === 'no-folder') return 'noFolder'
  if (place === 'folder') return 'isFolder'
  return place === 'free' && mode === 'check' ? 'noFile' : null
}

/** What the helper is asked for; null while something about it is not right or not known. A file that is there is taken as it is. */
export function cardFileTarget(cardFile: CardFile, mode: FlashMode): Target | null {
  const { place, size } = cardFile
  if (place === 'unknown' || pathProblem(cardFile, mode) !== null) return null
  const path = cardFile.path.trim()
  if (typeof place === 'object') return { kind: 'file', path, sizeBytes: null }
  const sizeBytes = cardFileBytes(size)
  return typeof sizeBytes === 'number' ? { kind: 'file', path, sizeBytes } : null
}

export function isFullPath(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/]|\\\\).+/.test(path.trim()) && !/[/\\]$/.test(path.trim())
}

/** A full path's folder: "/cards" of "/cards/a.img", "C:\" of "C:\a.img". */
export function folderOf(path: string): string {
  const folder = path.trim().replace(/[^/\\]*$/, '')
  return /^([A-Za-z]:)?[\\/]$/.test(folder) ? folder : folder.replace(/[\\/]$/, '')
}

export function joined(folder: string, name: string): string {
  const separator = folder.includes('\\') ? '\\' : '/'
  return `${folder.replace(/[/\\]$/, '')}${separator}${name}`
}

/** Looks without touching: the helper lists the folder. */
export async function lookAtPlace(path: string): Promise<Place> {
  const outcome = await ask('images.browse', { folder: folderOf(path) })
  if (!outcome.ok) return outcome.error.code === 'folder-not-readable' ? 'no-folder' : 'unknown'
  const found = outcome.value.entries.find((entry) => entry.name === fileName(path.trim()))
  if (!found) return 'free'
  return found.kind === 'folder' ? 'folder' : { sizeBytes: found.sizeBytes ?? 0 }
}
