import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debuglog } from 'node:util'
import { type Job, job as jobSchema } from '../contract.ts'

const log = debuglog('livecard')
const keptJobs = 200
const fileName = 'history.jsonl'

/** The ended jobs of all runs: one line of JSON each, the newest last. Nothing in a job carries a serial number, so neither does this file. */
export class History {
  private readonly folder: string
  private readonly file: string
  private last: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.folder = folder
    this.file = join(folder, fileName)
  }

  /** Newest first. A line that is damaged, or of a version that wrote it differently, is passed over. */
  async list(): Promise<Job[]> {
    await this.last
    return (await this.lines())
      .map(parseLine)
      .filter((job) => job !== null)
      .reverse()
      .slice(0, keptJobs)
  }

  /** Never rejects: a job that ended well did so, whether or not it can be noted down. */
  append(job: Job): Promise<void> {
    const done = this.last.then(() => this.write(job)).catch((thrown) => log('the history could not be written: %s', thrown))
    this.last = done
    return done
  }

  private async write(job: Job): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    // What makes sense next does so while the card is at hand.
    const targets = job.targets.map(({ next: _next, ...target }) => target)
    const slim: Job = { ...job, targets, progress: { ...job.progress, curve: thin(job.progress.curve) } }
    const lines = await this.lines()
    // A line that was cut off by a power failure must not swallow the next one.
    const separator = lines.length > 0 && !(await this.endsWithNewline()) ? '\n' : ''
    if (lines.length < keptJobs + keptJobs / 4) {
      await appendFile(this.file, `${separator}${JSON.stringify(slim)}\n`, { mode: 0o600 })
      return
    }
    const kept = [...lines.slice(1 - keptJobs), JSON.stringify(slim)]
    await writeFile(`${this.file}.new`, `${kept.join('\n')}\n`, { mode: 0o600, flush: true })
    await rename(`${this.file}.new`, this.file)
  }

  private async lines(): Promise<string[]> {
    return (await this.text()).split('\n').filter((line) => line.trim() !== '')
  }

  private async endsWithNewline(): Promise<boolean> {
    return (await this.text()).endsWith('\n')
  }

  private async text(): Promise<string> {
    return readFile(this.file, 'utf8').catch(() => '')
  }
}

function parseLine(line: string): Job | null {
  try {
    const parsed = jobSchema.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** A look back needs the shape of the curve, not each of its points. */
function thin(curve: Job['progress']['curve']): Job['progress']['curve'] {
  const step = Math.max(1, Math.ceil(curve.length / 50))
  return curve.filter((_point, index) => index % step === 0)
}
