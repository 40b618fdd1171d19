import type { DeviceSpec } from '../block/spec.ts'
import { fromValue } from '../errors.ts'
import type { ProgramListener, ProgramResult, ProgramRun } from './program.ts'
import type { ProgramMessage, ProgramTask } from './program-task.ts'
import { startWorker, stopped, threadDied } from './workers.ts'

export interface ProgramCall extends ProgramListener {
  /** Ends the program at once, wherever it is. */
  signal?: AbortSignal
}

export interface FinishedProgram extends ProgramResult {
  /** What the device handed back at the end. */
  outcome: unknown
}

/** Runs one program in a thread of its own, on a device that the thread opens for itself. */
export async function runProgram(run: ProgramRun, device: DeviceSpec | null, call: ProgramCall = {}): Promise<FinishedProgram> {
  if (call.signal?.aborted) throw stopped()
  const task: ProgramTask = { run, device }
  const worker = startWorker('program-worker', task)
  let abort = () => {}
  try {
    return await new Promise<FinishedProgram>((resolve, reject) => {
      abort = () => reject(stopped())
      call.signal?.addEventListener('abort', abort, { once: true })
      worker.on('message', (message: ProgramMessage) => {
        if ('output' in message) call.output?.(message.output.stream, message.output.text)
        else if ('progress' in message) call.progress?.(message.progress)
        else if ('ended' in message) resolve({ ...message.ended.result, outcome: message.ended.outcome })
        else reject(fromValue(message.failed))
      })
      worker.on('error', (thrown) => reject(threadDied(run.program, thrown)))
      worker.on('exit', (code) => reject(threadDied(run.program, `its thread ended with ${code}`)))
    })
  } finally {
    call.signal?.removeEventListener('abort', abort)
    // Also after an abort: it has ended before this returns, so nobody reads or writes the device any more.
    await worker.terminate()
  }
}
