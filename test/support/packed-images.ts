import { execFileSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { ImageFacts } from '../../native-helpers/contract.ts'
import { openImage } from '../../native-helpers/imaging/open-image.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import type { Digests, StreamOptions } from '../../native-helpers/imaging/stream.ts'

export function scratchFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'livecard-image-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Some text, some noise and some zeros, so that every packer has something to do; the same lengths for the same seed. */
export function mixedBytes(lengthBytes: number, seed = 1): Buffer {
  const image = Buffer.alloc(lengthBytes)
  let state = seed
  for (let at = 0; at < lengthBytes; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    const length = Math.min(1 + (state % 60_000), lengthBytes - at)
    const piece = image.subarray(at, at + length)
    if (state % 5 === 0) randomFillSync(piece)
    else if (state % 5 < 4) piece.fill(`line ${state} of a text that comes again and again\n`)
    at += length
  }
  return image
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What a packing tool makes of bytes. */
export function packed(tool: string, args: string[], bytes: Uint8Array): Buffer {
  return execFileSync(tool, args, { input: bytes, maxBuffer: 1024 * 1024 * 1024, stdio: ['pipe', 'pipe', 'ignore'] })
}

export interface ReadImage {
  facts: ImageFacts
  content: Buffer
  digests: Digests
  contentBytes: number | null
  storedBytesRead: number
}

/** The image as the product decodes it, from its location to its last byte. */
export async function readImage(location: string, options: StreamOptions = {}, member?: string): Promise<ReadImage> {
  const facts = await probeImage(member === undefined ? { location } : { location, member })
  return { facts, ...(await readStream(facts, options)) }
}

export async function readStream(facts: ImageFacts, options: StreamOptions = {}): Promise<Omit<ReadImage, 'facts'>> {
  const stream = await openImage(facts, options)
  try {
    const pieces: Buffer[] = []
    let expected = 0
    for (let block = await stream.next(); block !== null; block = await stream.next()) {
      if (block.offset !== expected) throw new Error(`A block at ${block.offset} came where ${expected} was due`)
      expected += block.bytes.length
      pieces.push(Buffer.from(block.bytes))
      block.release()
    }
    const { contentBytes, storedBytesRead } = stream
    return { content: Buffer.concat(pieces), digests: await stream.digests(), contentBytes, storedBytesRead }
  } finally {
    await stream.close()
  }
}
