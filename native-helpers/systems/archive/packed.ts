import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { LivecardError, systemCode } from '../../errors.ts'
import { EngineError, openEngine } from '../../volumes/codecs/zlib-engine.ts'
import { ZstdFormatError, ZstdFrameWalker } from '../../volumes/codecs/zstd-frames.ts'

const readBytes = 1024 * 1024
const magics = { gzip: [0x1f, 0x8b], zstd: [0x28, 0xb5, 0x2f, 0xfd] } as const
/** A frame of zstd that holds no content may stand before all others. */
const skippable = { first: 0x50, last: 0x5f, rest: [0x2a, 0x4d, 0x18] } as const

/**
 * The bytes of a tar archive from its file, which may be plain, packed by gzip or by zstd; each piece is valid until the next. Throws `archive-not-found`,
 * `archive-unread`, and `archive-damaged` for packed data that is damaged or cut off.
 */
export function* archiveBytes(path: string): Generator<Uint8Array> {
  const fd = opened(path)
  try {
    const chunks = chunksOf(fd, path)
    const first = chunks.next()
    if (first.done) throw archiveDamaged(path, 'it is empty')
    const all = behind(first.value, chunks)
    switch (packingOf(first.value)) {
      case 'gzip':
        yield* unzipped(all, path)
        break
      case 'zstd':
        yield* unpacked(all, path)
        break
      default:
        yield* all
    }
  } finally {
    closeSync(fd)
  }
}

function packingOf(head: Uint8Array): 'gzip' | 'zstd' | null {
  const begins = (magic: readonly number[], at = 0) => magic.every((byte, index) => head[at + index] === byte)
  if (begins(magics.gzip)) return 'gzip'
  const isSkippable = (head[0] ?? 0) >= skippable.first && (head[0] ?? 0) <= skippable.last && begins(skippable.rest, 1)
  return begins(magics.zstd) || isSkippable ? 'zstd' : null
}

function* chunksOf(fd: number, path: string): Generator<Uint8Array> {
  const buffer = new Uint8Array(readBytes)
  for (;;) {
    const count = named(path, () => readSync(fd, buffer))
    if (count === 0) return
    yield buffer.subarray(0, count)
  }
}

function* behind(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first
  yield* rest
}

function* unzipped(chunks: Iterable<Uint8Array>, path: string): Generator<Uint8Array> {
  const engine = openEngine('gzip')
  const room = new Uint8Array(readBytes)
  try {
    let isOver = false
    for (const chunk of chunks) {
      let at = 0
      while (at < chunk.length && !isOver) {
        const { consumed, produced } = engine.step(chunk.subarray(at), room, false)
        at += consumed
        if (produced > 0) yield room.subarray(0, produced)
        isOver = consumed === 0 && produced < room.length
      }
      if (isOver && chunk.subarray(at).some((byte) => byte !== 0)) throw archiveDamaged(path, 'something follows its packed data')
    }
    for (;;) {
      const { produced } = engine.step(new Uint8Array(0), room, true)
      if (produced > 0) yield room.subarray(0, produced)
      if (produced < room.length) return
    }
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown
    throw archiveDamaged(path, thrown.code === 'Z_BUF_ERROR' ? 'it is cut off' : `gzip says "${thrown.message}"`, thrown)
  } finally {
    engine.close()
  }
}

function* unpacked(chunks: Iterable<Uint8Array>, path: string): Generator<Uint8Array> {
  const engine = openEngine('zstd')
  const walker = new ZstdFrameWalker()
  const room = new Uint8Array(readBytes)
  try {
    for (const chunk of chunks) {
      walker.feed(chunk)
      for (let at = 0; ; ) {
        const { consumed, produced } = engine.step(chunk.subarray(at), room, false)
        at += consumed
        if (produced > 0) yield room.subarray(0, produced)
        if (produced < room.length && at === chunk.length) break
        if (consumed === 0 && produced === 0) throw archiveDamaged(path, 'its packed data leads nowhere')
      }
    }
    if (!walker.atBoundary) throw archiveDamaged(path, 'it is cut off')
  } catch (thrown) {
    if (thrown instanceof ZstdFormatError) throw archiveDamaged(path, thrown.problem.detail, thrown)
    if (!(thrown instanceof EngineError)) throw thrown
    throw archiveDamaged(path, `zstd says "${thrown.message}"`, thrown)
  } finally {
    engine.close()
  }
}

function opened(path: string): number {
  const fd = named(path, () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new LivecardError('usage', 'archive-no-file', {
    message: `${path} is no file.`,
    meaning: 'Nothing was changed.',
    next: 'Name a file that "livecard backup", GNU tar or bsdtar has made.',
  })
}

function named<T>(path: string, operation: () => T): T {
  try {
    return operation()
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === null) throw thrown
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    throw new LivecardError(
      isMissing ? 'usage' : 'failed',
      isMissing ? 'archive-not-found' : 'archive-unread',
      {
        message: isMissing ? `There is no ${path}.` : `${path} cannot be read (${code}).`,
        meaning: 'Nothing was changed.',
        next: isMissing ? 'Check its name.' : 'Check that you may read it, and that the disk it is on is well.',
      },
      thrown,
    )
  }
}

export function archiveDamaged(path: string, how: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'data',
    'archive-damaged',
    {
      message: `The archive ${path} is damaged: ${how}.`,
      meaning: 'It was only read: nothing was changed on the card.',
      next: 'Take another copy of it, or compare it with its checksum.',
    },
    cause,
  )
}
