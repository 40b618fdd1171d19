import { crc32 } from 'node:zlib'
import { toErrorValue } from '../errors.ts'
import type { DecoderMessage, DecodeTask, Packing, Work } from './decode-task.ts'
import { damaged } from './image-errors.ts'
import type { Meter } from './meter.ts'
import { type Filled, PartWriter, type RingParts, RingStopped } from './slot-ring.ts'
import { type ByteSource, openSource } from './source.ts'

type Decode = (name: string, source: ByteSource, out: PartWriter) => void | Promise<void>

/** Loaded when they are needed: a thread that only looks at the beginning of an image should be there at once. */
const decoders: Record<Packing, () => Promise<Decode>> = {
  none: async () => (_name, source, out) => {
    for (let chunk = source.read(); chunk !== null; chunk = source.read()) out.write(chunk)
  },
  gzip: async () => (await import('./decode-gzip.ts')).decodeGzip,
  deflate: async () => (await import('./decode-deflate.ts')).decodeDeflate,
  bzip2: async () => (await import('./decode-bzip2.ts')).decodeBzip2,
  xz: async () => (await import('./decode-xz.ts')).decodeXz,
  zstd: async () => (await import('./decode-zstd.ts')).decodeZstd,
}

/** Answers the length of the image when this thread knows it. */
async function run({ name, work, ring, meter }: DecodeTask, filled: Filled): Promise<number | null> {
  switch (work.kind) {
    case 'stream':
      return decodeStream(name, work, ring, meter, filled)
    case 'xz-blocks': {
      const { decodeXzBlocks } = await import('./decode-xz-blocks.ts')
      await decodeXzBlocks(name, work.task, ring, meter, filled)
      return null
    }
    case 'bzip2-blocks': {
      const { decodeBzip2Blocks } = await import('./decode-bzip2-blocks.ts')
      return decodeBzip2Blocks(name, work.source, ring, meter, work.shared, filled)
    }
  }
}

async function decodeStream(
  name: string,
  { packing, source, check }: Extract<Work, { kind: 'stream' }>,
  ring: RingParts,
  meter: Meter,
  filled: Filled,
): Promise<number> {
  let crc = 0
  const watch = (bytes: Uint8Array) => {
    crc = crc32(bytes, crc)
  }
  const out = new PartWriter(ring, 0, filled, check === null ? null : watch)
  const decode = await decoders[packing]()
  const bytes = openSource(source, meter)
  try {
    await decode(name, bytes, out)
  } finally {
    bytes.close()
  }
  if (check !== null && out.position !== check.sizeBytes)
    throw damaged(name, 'its length is not the one in the directory of the archive')
  if (check !== null && crc !== check.crc32) throw damaged(name, 'its checksum is not the one in the directory of the archive')
  out.flush()
  return out.position
}

/** In a thread. `post` is called with `ended`, `stopped` or `failed` as the last of all. */
export function runDecode(task: DecodeTask, post: (message: DecoderMessage) => void): Promise<void> {
  return run(task, (index, bytes) => post({ filled: index, bytes })).then(
    (ended) => post({ ended }),
    (thrown) => post(thrown instanceof RingStopped ? { stopped: true } : { failed: toErrorValue(thrown) }),
  )
}
