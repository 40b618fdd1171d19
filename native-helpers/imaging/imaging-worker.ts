import { parentPort } from 'node:worker_threads'
import { collectGarbage } from './collect.ts'
import { runDecode } from './decode-run.ts'
import type { ImagingTask } from './imaging-task.ts'
import { runPieces } from './piece-run.ts'

const port = parentPort
port?.on('message', async (task: ImagingTask) => {
  if (task.kind === 'pieces') runPieces(task, (message) => port.postMessage(message))
  else await runDecode(task, (message) => port.postMessage(message))
  setImmediate(collectGarbage)
})
