import type { ErrorValue, Job } from '../contract.ts'
import { exitCodes } from '../errors.ts'
import type { Terminal } from './terminal.ts'

/** What the errors of other rooms advise, in the words of this interface. */
const cliAdvice: Record<string, string> = {
  'image-ambiguous': 'Say which of them to write: --member NAME.',
  'image-choice': 'Say which of them to write: --member NAME.',
  'drive-not-found': '"livecard drives --all" lists what is there; plug the card in again if it is missing.',
  'not-a-drive': '"livecard drives" lists the drives; name one of them.',
  'drive-changed': 'Look at "livecard drives" again and name the drive anew.',
}

/** The three parts of an error, each on its line: what happened, what it means, what to do. */
export function reportError(error: ErrorValue, terminal: Terminal): void {
  const first = error.kind === 'cancelled' ? error.message : `Error: ${error.message}`
  terminal.say(`${first}\n  What it means: ${error.meaning}\n  What to do: ${cliAdvice[error.code] ?? error.next}`)
}

/** The last line of `--json` when there is no job to show. */
export function resultOf(error: ErrorValue) {
  return { format: 1, type: 'result', ok: false, exitCode: exitCodes[error.kind], error }
}

/** How the command ends for a job: the job's own error counts, else that of the first target that has one. */
export function exitCodeOf(job: Job): number {
  if (job.state === 'cancelled') return exitCodes.cancelled
  const error = job.error ?? job.targets.find((target) => target.error !== null)?.error
  if (error) return exitCodes[error.kind]
  return job.state === 'done' ? 0 : exitCodes.failed
}
