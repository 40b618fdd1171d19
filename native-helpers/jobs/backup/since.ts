import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { LivecardError, systemCode } from '../../errors.ts'
import { formatOf } from '../../imaging/format.ts'
import { type Manifest, manifestPath, notOurArchive, parseManifest } from '../../systems/archive/manifest.ts'
import { readTar } from '../../volumes/tar/reader.ts'

export interface EarlierBackup {
  manifest: Manifest
  /** Of its manifest, as it lies in the archive. */
  sha256: string
}

/** A manifest names each file in some hundred bytes. */
const mostManifestBytes = 512 * 1024 * 1024
/** By so many it is known what the file is, and how long its first member. */
const firstBytes = 64 * 1024
const openingBrace = 0x7b

/** An earlier archive's manifest, from the archive (packed or not) or from a file that was taken out of it. */
export async function readEarlier(path: string): Promise<EarlierBackup> {
  const bytes = await startOf(path)
  const text = bytes[0] === openingBrace ? bytes : contentOfFirst(bytes, path)
  const { value: manifest, problem } = parseManifest(text)
  if (!manifest) throw notOurArchive(path, problem.detail)
  return { manifest, sha256: createHash('sha256').update(text).digest('hex') }
}

function contentOfFirst(bytes: Uint8Array, path: string): Uint8Array {
  const first = firstEntry(bytes, path)
  if (first?.entry.path !== manifestPath) throw notOurArchive(path, 'its first member is no manifest')
  try {
    return Buffer.concat([...first.content()].map((piece) => piece.bytes))
  } catch {
    throw notOurArchive(path, 'it ends within its manifest')
  }
}

function firstEntry(bytes: Uint8Array, path: string) {
  try {
    return readTar([bytes]).next().value ?? null
  } catch {
    throw notOurArchive(path, 'it is no tar archive')
  }
}

/** As much as the first member takes; a plain manifest whole. */
async function startOf(path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  let wanted: number | null = null
  try {
    for await (const part of await unpacked(path)) {
      parts.push(part)
      length += part.length
      if (wanted === null && length >= firstBytes) wanted = wantedOf(Buffer.concat(parts), path)
      if (wanted !== null && length >= wanted) break
    }
  } catch (thrown) {
    if (thrown instanceof LivecardError) throw thrown
    throw notOurArchive(
      path,
      `it cannot be read (${systemCode(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown))})`,
    )
  }
  return Buffer.concat(parts)
}

function wantedOf(start: Uint8Array, path: string): number {
  if (start[0] === openingBrace) return mostManifestBytes
  return Math.min(mostManifestBytes, firstBytes + (firstEntry(start, path)?.entry.sizeBytes ?? 0))
}

async function unpacked(path: string): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(path, 'r')
  const head = new Uint8Array(16)
  await handle.read(head, 0, head.length, 0)
  const file = handle.createReadStream({ start: 0 })
  const format = formatOf(head)
  if (format !== 'gzip' && format !== 'zstd') return file
  const through = format === 'gzip' ? createGunzip() : createZstdDecompress()
  // Whoever has enough ends the one, and the other with it; that is no failure.
  return pipeline(file, through, () => {})
}
