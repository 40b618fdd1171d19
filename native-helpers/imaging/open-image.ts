import type { ImageFacts } from '../contract.ts'
import { openDecodedStream } from './decoded-stream.ts'
import { unsupported } from './image-errors.ts'
import { openRawStream } from './raw-stream.ts'
import type { ImageStream, StreamOptions } from './stream.ts'

/** The decoded image, from what `probeImage` found out about it. */
export async function openImage(facts: ImageFacts, options: StreamOptions = {}): Promise<ImageStream> {
  options.signal?.throwIfAborted()
  const path = facts.ref.location
  if (facts.format === 'raw') return openRawStream(path, options)
  if (facts.format !== 'gzip') throw unsupported(facts.name, `there is no decoder for ${facts.format} yet`)
  const source = { kind: 'file' as const, name: facts.name, path, start: 0, end: facts.storedBytes ?? 0 }
  return openDecodedStream(facts, { name: facts.name, format: facts.format, source }, options)
}
