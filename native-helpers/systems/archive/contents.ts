import { createHash, type Hash, hash } from 'node:crypto'
import { LivecardError } from '../../errors.ts'
import type { TarEntry } from '../../volumes/tar/entry.ts'
import { type ReadEntry, readTar } from '../../volumes/tar/reader.ts'
import { type ArchiveFile, type Manifest, manifestPath, parseManifest } from './manifest.ts'
import { MemberRules, memberRefused } from './member-rules.ts'
import { archiveBytes, archiveDamaged } from './packed.ts'

/** Something in an archive that is not its manifest. */
export interface ArchiveMember {
  entry: TarEntry
  /** Attributes that an archive has and that cannot be carried over. */
  ignored: string[]
  /** Once, while the member is visited; what is not taken is passed over, and counts for the sums all the same. */
  content(): Generator<{ offset: number; bytes: Uint8Array }>
}

export interface ArchiveFacts {
  /** Null for an archive that somebody else has made. */
  manifest: Manifest | null
  members: number
  /** Of everything that was read, headers and content: the same only for the same archive. */
  digest: string
}

const mostManifestBytes = 1024 * 1024 * 1024
const zeros = new Uint8Array(64 * 1024)

/**
 * Goes through an archive from its beginning to its end. Everything is checked on the way: its form, the names of its members, and against its manifest, if it has
 * one, that all is there and has the sums that it had. Who acts on a member before the end must be ready to forget it. Throws the named errors of
 * `archiveBytes` and `MemberRules`, and `archive-damaged`.
 */
export function readArchive(path: string, visit: (member: ArchiveMember, manifest: Manifest | null) => void): ArchiveFacts {
  const all = createHash('sha256')
  const rules = new MemberRules()
  let manifest: Manifest | null = null
  let expected: Iterator<ArchiveFile> | null = null
  let members = 0
  try {
    for (const read of readTar(archiveBytes(path))) {
      rules.check(read.entry, read.writtenPath)
      if (members === 0 && read.entry.path === manifestPath) {
        const bytes = wholeContent(read)
        all.update(bytes)
        manifest = manifestOf(bytes, path)
        expected = storedFiles(manifest)
        members += 1
        continue
      }
      if (read.entry.path === manifestPath) throw memberRefused(read.writtenPath, 'it must be the first')
      members += 1
      const counts = manifest !== null && isListed(read.entry.path)
      const listed: ArchiveFile | null = counts ? (expected?.next().value ?? null) : null
      if (counts && listed?.path !== read.entry.path)
        throw archiveDamaged(
          path,
          `its list has ${listed ? `"${listed.path}"` : 'nothing more'} in the place of "${read.entry.path}"`,
        )
      const sum = visited(read, listed?.sha256 ?? null, (member) => visit(member, manifest))
      all.update(headOf(read.entry)).update(sum.content)
      if (listed) checkListed(path, listed, read.entry, sum.sha256)
    }
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'tar-damaged')
      throw archiveDamaged(path, clauseOf(thrown.message), thrown)
    throw thrown
  }
  const missing = expected?.next()
  if (missing && !missing.done) throw archiveDamaged(path, `"${missing.value.path}" of its list is not in it`)
  return { manifest, members, digest: all.digest('hex') }
}

/** What the manifest lists. */
function isListed(path: string): boolean {
  return !path.startsWith('.livecard/') && path !== '.livecard' && path !== 'kernel' && !path.startsWith('kernel/')
}

function* storedFiles({ files }: Manifest): Generator<ArchiveFile> {
  for (const file of files) if (file.stored && isListed(file.path)) yield file
}

/** Hands a member out, and takes its sums, of the pieces that are there and, where that is asked for, of the whole. */
function visited(
  read: ReadEntry,
  wanted: string | null,
  visit: (member: ArchiveMember) => void,
): { content: Buffer; sha256: string } {
  const { extents, sizeBytes } = read.entry
  // Most files come in one piece, for which there is a much cheaper way.
  let sole: Buffer | null = extents === null && sizeBytes === 0 ? sumOfNothing : null
  const pieces = sole ? null : new LazyHash()
  const whole = wanted !== null && extents !== null ? createHash('sha256') : null
  let end = 0
  let begun = false
  const content = function* () {
    if (begun) throw new TypeError('a member passes by once')
    begun = true
    for (const piece of read.content()) {
      if (extents === null && piece.bytes.length === sizeBytes) sole = hash('sha256', piece.bytes, 'buffer')
      else pieces?.update(extents, piece)
      if (whole) {
        fill(whole, piece.offset - end)
        whole.update(piece.bytes)
      }
      end = piece.offset + piece.bytes.length
      yield piece
    }
  }
  visit({ entry: read.entry, ignored: read.ignored, content })
  if (!begun) for (const _piece of content());
  if (whole) fill(whole, sizeBytes - end)
  const sum = sole ?? pieces?.digest() ?? sumOfNothing
  return { content: sum, sha256: whole?.digest('hex') ?? sum.toString('hex') }
}

const sumOfNothing = createHash('sha256').digest()

class LazyHash {
  #hash: Hash | null = null

  update(extents: TarEntry['extents'], { offset, bytes }: { offset: number; bytes: Uint8Array }): void {
    this.#hash ??= createHash('sha256')
    if (extents !== null) this.#hash.update(`${offset} ${bytes.length}\n`)
    this.#hash.update(bytes)
  }

  digest(): Buffer | null {
    return this.#hash?.digest() ?? null
  }
}

function fill(hash: Hash, lengthBytes: number): void {
  for (let left = lengthBytes; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, Math.min(left, zeros.length)))
}

function headOf({ xattrs, extents, ...rest }: TarEntry): string {
  const values = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('base64')])
  return JSON.stringify([Object.values(rest), values, extents?.length ?? null])
}

function checkListed(path: string, listed: ArchiveFile, { kind, sizeBytes, target }: TarEntry, sha256: string): void {
  const how =
    listed.link === null ? kind === listed.kind && sizeBytes === listed.size : kind === 'hard-link' && target === listed.link
  if (!how) throw archiveDamaged(path, `"${listed.path}" is not what its list says`)
  if (listed.sha256 !== null && listed.sha256 !== sha256)
    throw archiveDamaged(path, `the content of "${listed.path}" does not have the sum that it had when it was saved`)
}

function wholeContent(read: ReadEntry): Uint8Array {
  if (read.entry.kind !== 'file' || read.entry.sizeBytes > mostManifestBytes) throw memberRefused(read.writtenPath, 'it is no list')
  const bytes = new Uint8Array(read.entry.sizeBytes)
  for (const piece of read.content()) bytes.set(piece.bytes, piece.offset)
  return bytes
}

function manifestOf(bytes: Uint8Array, path: string): Manifest {
  const { value, problem } = parseManifest(bytes)
  if (value) return value
  throw archiveDamaged(path, `its list cannot be used (${problem.detail})`)
}

function clauseOf(message: string): string {
  return message.replace(/^The archive is damaged: /, '').replace(/\.$/, '')
}
