import { createHash } from 'node:crypto'
import { LivecardError } from '../../errors.ts'
import { type Manifest, manifestPath, notOurArchive, parseManifest } from '../../systems/archive/manifest.ts'
import { archiveBytes } from '../../systems/archive/packed.ts'
import { readTar } from '../../volumes/tar/reader.ts'

export interface EarlierBackup {
  manifest: Manifest
  /** Of its manifest, as it lies in the archive. */
  sha256: string
}

/** A manifest names each file in some hundred bytes. */
const mostManifestBytes = 512 * 1024 * 1024
const openingBrace = 0x7b

/** An earlier archive's manifest, from the archive (packed or not) or from a file that was taken out of it. Of an archive no more is read than that. */
export function readEarlier(path: string): EarlierBackup {
  const text = namedHere(path, () => manifestIn(path))
  const { value: manifest, problem } = parseManifest(text)
  if (!manifest) throw notOurArchive(path, problem.detail)
  return { manifest, sha256: createHash('sha256').update(text).digest('hex') }
}

function manifestIn(path: string): Uint8Array {
  const chunks = archiveBytes(path)
  const { value: first } = chunks.next()
  if (first && first[0] === openingBrace) return together(behind(first, chunks), path)
  for (const { entry, content } of readTar(behind(first ?? new Uint8Array(), chunks))) {
    if (entry.path !== manifestPath) break
    return together(piecesOf(content()), path)
  }
  throw notOurArchive(path, 'its first member is no manifest')
}

function* behind(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first
  yield* rest
}

function* piecesOf(content: Iterable<{ bytes: Uint8Array }>): Generator<Uint8Array> {
  for (const { bytes } of content) yield bytes
}

/** Pieces are lent until the next one. */
function together(pieces: Iterable<Uint8Array>, path: string): Uint8Array {
  const kept: Uint8Array[] = []
  let length = 0
  for (const piece of pieces) {
    length += piece.length
    if (length > mostManifestBytes) throw notOurArchive(path, 'what should be its manifest is too long')
    kept.push(Uint8Array.from(piece))
  }
  return Buffer.concat(kept)
}

/** What is no archive at all is not called a damaged one. */
function namedHere<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    if (!(thrown instanceof LivecardError) || !damagedCodes.has(thrown.code)) throw thrown
    const [clause = thrown.message] = thrown.message.split(/: /).slice(-1)
    throw notOurArchive(path, clause.replace(/\.$/, ''))
  }
}

const damagedCodes = new Set(['archive-damaged', 'tar-damaged'])
