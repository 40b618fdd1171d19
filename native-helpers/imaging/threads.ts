import type { Worker } from 'node:worker_threads'
import type { ImagingTask } from './imaging-task.ts'
import { startWorker } from './workers.ts'

/** As many as work at once on one card. More would only keep memory: 10 MiB each. */
const keptThreads = 2

/** After this long without a task, the memory is worth more than the next start. */
const keptMs = 60_000

const idle = new Map<Worker, NodeJS.Timeout>()

export interface ThreadListener {
  message(message: unknown): void
  /** It ended before its task did; `thrown` says why where that is known. */
  died(thrown: unknown): void
}

/** A thread with one task, until it is given back or ended. */
export interface RunningTask {
  /** The task has said its last word: the thread is kept for another one. */
  giveBack(): void
  /** Ends the thread, and the task with it. */
  end(): Promise<void>
  /** Whether it ever ends or not, it does not keep the process. */
  letGo(): void
}

/**
 * Starts threads that wait for a task. To start one takes 50 to 150 ms of a core, as much as decoding 100 MiB: those that have done their task are
 * kept for the next one, and who knows that a job is about to begin lets them start beside what comes first.
 */
export function warmThreads(): void {
  while (idle.size < keptThreads) keep(startThread())
}

export function startTask(task: ImagingTask, listener: ThreadListener): RunningTask {
  const thread = takeIdle() ?? startThread()
  let listening = true
  let kept = false
  const message = (message: unknown) => listener.message(message)
  const died = (thrown: unknown) => {
    if (!listening) return
    stopListening()
    listener.died(thrown)
  }
  const exited = () => died(null)
  const stopListening = () => {
    listening = false
    thread.off('message', message)
    thread.off('error', died)
    thread.off('exit', exited)
  }
  thread.on('message', message)
  thread.on('error', died)
  thread.on('exit', exited)
  thread.ref()
  thread.postMessage(task)
  return {
    giveBack() {
      if (!listening) return
      stopListening()
      kept = true
      keep(thread)
    },
    async end() {
      if (kept) return
      stopListening()
      thread.unref()
      await thread.terminate()
    },
    letGo() {
      if (!kept) thread.unref()
    },
  }
}

function startThread(): Worker {
  const thread = startWorker('imaging-worker', null)
  thread.on('error', () => {})
  thread.on('exit', () => forget(thread))
  return thread
}

function takeIdle(): Worker | null {
  // The one that has worked last: its code and memory are the warmest.
  const thread = [...idle.keys()].at(-1) ?? null
  if (thread !== null) forget(thread)
  return thread
}

function forget(thread: Worker): void {
  clearTimeout(idle.get(thread))
  idle.delete(thread)
}

/** Does not keep the process alive. */
function keep(thread: Worker): void {
  thread.unref()
  if (idle.size >= keptThreads) return void thread.terminate()
  const dismiss = () => {
    forget(thread)
    void thread.terminate()
  }
  idle.set(thread, setTimeout(dismiss, keptMs).unref())
}
