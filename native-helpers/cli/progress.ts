import type { Job, Phase } from '../contract.ts'
import type { Terminal } from './terminal.ts'
import { decimalSize, duration, speed } from './words.ts'

const phaseWords: Record<Job['kind'], Record<Phase, string>> = {
  flash: {
    preparing: 'Preparing',
    writing: 'Writing',
    flushing: 'Flushing',
    verifying: 'Reading back',
    finishing: 'Finishing',
    ended: 'Ended',
  },
  verify: {
    preparing: 'Preparing',
    writing: 'Comparing',
    flushing: 'Comparing',
    verifying: 'Comparing',
    finishing: 'Finishing',
    ended: 'Ended',
  },
}
const limits = { source: 'the image’s source', decoding: 'unpacking', card: 'the card' }

/** Shows a job as it runs: a bar that is drawn anew where there is a terminal, a few plain lines elsewhere. Answers what takes it away. */
export function showProgress(terminal: Terminal): { show(job: Job): void; end(): void } {
  const told = new Set<string>()
  const show = terminal.liveLine ? (job: Job) => terminal.drawLine(liveLine(job, terminal.columns)) : plainLines(terminal)
  return {
    show(job) {
      if (job.state === 'running') {
        tellEndedTargets(job, told, terminal)
        show(job)
      }
    },
    end: () => {
      if (terminal.liveLine) terminal.drawLine('')
    },
  }
}

/** Of several cards, one that fails is said at once: the person can look at it while the others go on. */
function tellEndedTargets(job: Job, told: Set<string>, terminal: Terminal): void {
  if (job.targets.length < 2) return
  for (const target of job.targets) {
    if (target.error === null || told.has(target.path)) continue
    told.add(target.path)
    terminal.say(`${target.label} (${target.path}) failed: ${target.error.message}`)
  }
}

const everyMs = 5000
const everyShare = 0.1
const atLeastEveryMs = 60_000

/** A line when a phase begins, then at most one in five seconds, and that only for a tenth of the way or after a minute. */
function plainLines(terminal: Terminal): (job: Job) => void {
  let phase: Phase | null = null
  let saidAt = 0
  let saidShare = 0
  return (job) => {
    const { progress } = job
    const now = performance.now()
    const share = progress.fraction ?? 0
    const farEnough = share - saidShare >= everyShare || now - saidAt >= atLeastEveryMs
    if (progress.phase === 'ended' || (progress.phase === phase && !(now - saidAt >= everyMs && farEnough))) return
    phase = progress.phase
    saidAt = now
    saidShare = share
    terminal.say(parts(job).join(', '))
  }
}

function parts(job: Job): string[] {
  const { phase, fraction, doneBytes, bytesPerSecond, secondsLeft, limitedBy } = job.progress
  const moving = (phase === 'writing' || phase === 'verifying') && bytesPerSecond > 0
  return [
    // Rounded down: 100 % is only what is finished.
    `${phaseWords[job.kind][phase]} ${fraction === null ? decimalSize(doneBytes) : `${Math.floor(fraction * 100)} %`}`,
    ...(moving ? [speed(bytesPerSecond)] : []),
    ...(moving && secondsLeft !== null ? [`${duration(secondsLeft)} left`] : []),
    ...(moving && limitedBy !== null ? [`limited by ${limits[limitedBy]}`] : []),
  ]
}

const longestBar = 30
const shortestBar = 8

/** The bar takes what the words leave; on a narrow terminal the last words go first. Never as wide as the terminal, which would wrap. */
function liveLine(job: Job, columns: number): string {
  const [head = '', ...rest] = parts(job)
  const words = [...rest]
  const room = columns - 1
  while (words.length > 0 && [head, ...words].join('  ').length + 2 + shortestBar > room) words.pop()
  const text = [head, ...words].join('  ')
  const width = Math.min(longestBar, room - text.length - 2)
  const { fraction } = job.progress
  if (fraction === null || width < shortestBar) return text.slice(0, room)
  return [head, bar(fraction, width), ...words].join('  ')
}

/** The terminal shows more than ASCII. */
export const utf8 = /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '')
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bar(fraction: number, width: number): string {
  if (!utf8) return `[${'#'.repeat(Math.floor(fraction * (width - 2))).padEnd(width - 2, '.')}]`
  const cells = Math.floor(fraction * width * 8)
  return ('█'.repeat(cells >> 3) + (eighths[cells & 7] ?? '')).padEnd(width, '░')
}

/** "43 %", rounded down: 100 % is only what is finished. */
export function shareOf(doneBytes: number, totalBytes: number): string {
  return `${totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100)} %`
}
