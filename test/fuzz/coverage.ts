import { Session } from 'node:inspector'

interface Range {
  startOffset: number
  endOffset: number
  count: number
}
interface ScriptCoverage {
  scriptId: string
  url: string
  functions: { ranges: Range[] }[]
}

/** Which blocks of the program's own code were run since the last question, and whether one of them never was before. */
export class Coverage {
  private readonly session = new Session()
  private readonly seen = new Set<string>()

  constructor() {
    this.session.connect()
    this.session.post('Profiler.enable')
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  get blocks(): number {
    return this.seen.size
  }

  /** How many blocks ran for the first time. Commands of a session within the same thread are answered before `post` returns. */
  takeNew(): number {
    let scripts: ScriptCoverage[] = []
    this.session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (!error) scripts = (answer as { result: ScriptCoverage[] }).result
    })
    const before = this.seen.size
    for (const { url, scriptId, functions } of scripts) {
      if (!url.includes('/native-helpers/')) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) this.seen.add(`${scriptId}:${startOffset}:${endOffset}`)
      }
    }
    return this.seen.size - before
  }

  close(): void {
    this.session.disconnect()
  }
}
