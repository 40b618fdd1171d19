import { parentPort } from 'node:worker_threads'
import { collectGarbage } from './collect.ts'
import { runCompare } from './compare-run.ts'
import { runDecode } from './decode-run.ts'
import type { ImagingTask } from './imaging-task.ts'

const port = parentPort
port?.on('message', async (task: ImagingTask) => {
  if (task.kind === 'compare') runCompare(task, (message) => port.postMessage(message))
  else await runDecode(task, (message) => port.postMessage(message))
  setImmediate(collectGarbage)
})
