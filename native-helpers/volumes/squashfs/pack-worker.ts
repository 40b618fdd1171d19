import { parentPort, workerData } from 'node:worker_threads'
import { blockCodec } from './block-codec.ts'
import { packerMissing } from './errors.ts'
import { metadataBytes } from './metadata.ts'
import type { PackRequest, PackResult } from './pack-pool.ts'

/** One thread of pack-pool.ts: packs what it is sent, in order. */
const codec = blockCodec()
if (!codec) throw packerMissing()
/** As the kernel makes room: for a block, or for one of metadata where that is more. */
const dictionaryBytes = Math.max(metadataBytes, Number(workerData))

parentPort?.on('message', ({ id, block }: PackRequest) => {
  const packed = codec.packXz(block, dictionaryBytes)
  const result: PackResult = { id, packed }
  parentPort?.postMessage(result, [packed.buffer])
})
