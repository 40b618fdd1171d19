import { parentPort, workerData } from 'node:worker_threads'
import { openDevice } from '../block/spec.ts'
import { toErrorValue } from '../errors.ts'
import { runProgramSync } from './program.ts'
import type { ProgramMessage, ProgramTask } from './program-task.ts'

/** e2fsck reports far more often than anyone looks. */
const progressEveryMs = 50

async function work({ run, device }: ProgramTask, post: (message: ProgramMessage) => void): Promise<void> {
  const opened = device && (await openDevice(device))
  let told = 0
  try {
    const result = runProgramSync(run, opened?.device ?? null, {
      output: (stream, text) => post({ output: { stream, text } }),
      progress(progress) {
        const now = performance.now()
        if (progress.done !== progress.total && now - told < progressEveryMs) return
        told = now
        post({ progress })
      },
    })
    post({ ended: { result, outcome: opened?.outcome?.() ?? null } })
  } finally {
    opened?.close()
  }
}

const port = parentPort
if (port !== null) {
  const post = (message: ProgramMessage) => port.postMessage(message)
  work(workerData as ProgramTask, post).catch((thrown) => post({ failed: toErrorValue(thrown) }))
}
