import type { Job, JobCheck, Phase } from '../contract.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { Interrupt } from './interrupt.ts'
import { showProgress } from './progress.ts'
import { remedyText } from './remedies.ts'
import { exitCodeOf, reportError } from './report.ts'
import type { Terminal } from './terminal.ts'
import { decimalSize, speed, took } from './words.ts'

/** What is done with the targets of a job that ended well: its own exit code, 0 where all went well, and what scripts are told of it. */
export type Afterwards = (job: Job) => Promise<{ exitCode: number; told: Record<string, unknown> }>

/** Stays with a job to its end, shows it, cancels it when interrupted, tells the result, and answers the exit code. */
export async function followJob(
  runner: JobRunner,
  jobId: string,
  interrupt: Interrupt,
  terminal: Terminal,
  json: boolean,
  afterwards?: Afterwards,
): Promise<number> {
  const progress = showProgress(terminal)
  const due = everyHalfSecond()
  const stop = runner.onJob((job) => {
    if (job.id !== jobId) return
    progress.show(job)
    if (json && due(job)) terminal.json({ type: 'job', job })
  })
  const cancel = () => runner.cancel(jobId)
  interrupt.signal.addEventListener('abort', cancel, { once: true })
  if (interrupt.signal.aborted) cancel()
  const job = await runner.ended(jobId)
  stop()
  progress.end()
  tellErrors(job, terminal)
  if (!json) tellResult(job, terminal)
  const after = await afterwards?.(job)
  const exitCode = exitCodeOf(job) || (after?.exitCode ?? 0)
  const error = job.error ?? firstError(job)
  if (json) terminal.json({ format: 1, type: 'result', ok: exitCode === 0, exitCode, job, ...after?.told, error })
  else tellNext(job, terminal, afterwards ? ['enlarge'] : ['enlarge', 'customise'])
  return exitCode
}

/** Snapshots come up to ten times a second, each with its speed curve; a script is told of every phase, and twice a second between. */
function everyHalfSecond(): (job: Job) => boolean {
  let phase: Phase | null = null
  let toldAt = 0
  return (job) => {
    const now = performance.now()
    if (job.state !== 'running' || (job.progress.phase === phase && now - toldAt < 500)) return false
    phase = job.progress.phase
    toldAt = now
    return true
  }
}

const firstError = (job: Job) => job.targets.find((target) => target.error !== null)?.error ?? null

function tellErrors(job: Job, terminal: Terminal): void {
  const failed = job.targets.filter((target) => target.error !== null)
  // A job that failed as a whole says it once, not once for each of its targets.
  const own = failed.filter((target) => target.error?.code !== job.error?.code)
  if (job.error) reportError(job.error, terminal)
  for (const target of own) {
    if (job.targets.length > 1) terminal.say(`${target.label} (${target.path})`)
    if (target.error) reportError(target.error, terminal)
  }
}

function tellResult(job: Job, terminal: Terminal): void {
  const done = job.targets.filter((target) => target.state === 'done')
  if (done.length === 0) return
  const verb = job.kind === 'flash' ? 'Written' : 'The same'
  for (const target of done) terminal.answer(`${verb}: ${job.imageName} on ${target.label} (${target.path})`)
  const seconds = ((job.endedAt ?? Date.now()) - job.startedAt) / 1000
  const { averageBytesPerSecond, skippedBytes } = job.progress
  const bytes = Math.max(...done.map((target) => Math.max(target.writtenBytes, target.verifiedBytes)))
  const skipped = skippedBytes > 0 ? `, ${decimalSize(skippedBytes)} not needed and left out` : ''
  const average = averageBytesPerSecond > 0 ? ` (${speed(averageBytesPerSecond)} on average)` : ''
  terminal.answer(`  ${decimalSize(bytes)} in ${took(seconds)}${average}${skipped}`)
  for (const check of job.checks) terminal.answer(`  ${describeCheck(check)}`)
}

/** What makes sense now, as it would be typed. */
function tellNext({ targets }: Job, terminal: Terminal, offered: readonly (keyof typeof nextWords)[]): void {
  for (const { path, next = [] } of targets)
    for (const job of next.filter((one) => offered.includes(one)))
      terminal.answer(`  Next: ${nextWords[job]}: ${remedyText(job, path)}`)
}

const nextWords = {
  enlarge: 'let it use the whole card',
  customise: 'give it a password of your own, a user, a network',
} as const

const states: Record<JobCheck['state'], string> = { pending: 'not checked', ok: 'ok', differs: 'DIFFERS', skipped: 'left out' }

function describeCheck({ label, value, state }: JobCheck): string {
  return `${label}: ${states[state]}${value === null ? '' : ` (${value})`}`
}
