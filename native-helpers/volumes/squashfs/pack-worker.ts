import { parentPort, workerData } from 'node:worker_threads'
import type { PackRequest, PackResult } from './pack-pool.ts'
import { loadXz } from './write-xz.ts'

/** One thread of pack-pool.ts: packs what it is sent, in order. */
const pack = await loadXz(Number(workerData))

parentPort?.on('message', ({ id, block }: PackRequest) => {
  const packed = pack(block)
  const result: PackResult = { id, packed }
  parentPort?.postMessage(result, [packed.buffer])
})
