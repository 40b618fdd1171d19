/** The fuzzer: hunters in processes of their own, watched for hangs and memory. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { practiceCards } from '../../native-helpers/jobs/demo/index.ts'
import type { WritableDevice } from '../../native-helpers/volumes/making/new-entry.ts'
import { type Find, type HuntState, maxMilliseconds } from './hunt.ts'
import type { HuntNews, HuntOrder } from './hunter.ts'
import { added, type FuzzProgress, imagesOf, nothingYet, saveProgress } from './progress.ts'

export interface FuzzOrder {
  /** Those of `before` are counted in. */
  images: number
  seconds: number
  seed: number
  processes: number
  only: string[]
  guided: boolean
  /** Where finds are written to; null: nowhere. */
  findsFolder: string | null
  /** A run that this one goes on with. */
  before?: FuzzProgress
  /** A file that says how far it is, for the run that goes on with this one. */
  progressFile?: string
  say?: (line: string) => void
}

export interface FuzzResult extends FuzzProgress {
  images: number
  slowestMs: number
}

const maxHeldBytes = 512 * 1024 * 1024
const maxFinds = 50
// The last resort, for what waits without using the processor: on a busy machine, a run at the lowest priority gets little of it.
const maxSilenceMs = 15 * 60_000
const hunterFile = fileURLToPath(new URL('hunter.ts', import.meta.url))

/** Runs until so many images were read or the time is over. The practice cards are made once, as sparse files that the hunters share. */
export async function fuzz(order: FuzzOrder): Promise<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-fuzz-'))
  const started = performance.now()
  const { before = nothingYet, progressFile } = order
  const results: HunterResult[] = []
  const soFar = (): FuzzProgress => ({
    runs: before.runs + 1,
    seconds: before.seconds + (performance.now() - started) / 1000,
    finds: [before, ...results].flatMap(({ finds }) => finds),
    peakBytes: Math.max(before.peakBytes, ...results.map(({ peakBytes }) => peakBytes)),
    states: added([before, ...results].map(({ states }) => states)),
  })
  const saving = setInterval(() => progressFile && saveProgress(progressFile, soFar()), 10_000)
  try {
    if (order.only.length === 0 || order.only.includes('card')) await makeCards(folder)
    const each = Math.ceil((order.images - imagesOf(before.states)) / order.processes)
    const runs = Array.from({ length: order.processes }, (_, at) => {
      const result: HunterResult = { finds: [], states: {}, peakBytes: 0 }
      results.push(result)
      return hunt(order, result, { images: each, folder, label: at, seed: order.seed + before.runs * 100_000 + at * 1000 })
    })
    await Promise.all(runs)
    const progress = soFar()
    if (order.findsFolder !== null && progress.finds.length > 0) keep(order.findsFolder, progress.finds)
    if (progressFile) saveProgress(progressFile, progress)
    return {
      ...progress,
      images: imagesOf(progress.states),
      slowestMs: Math.max(...Object.values(progress.states).map(({ slowestMs }) => slowestMs)),
    }
  } finally {
    clearInterval(saving)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function makeCards(folder: string): Promise<void> {
  for (const card of practiceCards) {
    const path = join(folder, `${card.id}.img`)
    writeFileSync(path, '')
    truncateSync(path, card.sizeBytes)
    const device = openFileDevice({ path, writable: true })
    await card.make(device as WritableDevice)
    device.close()
  }
}

interface HunterResult {
  finds: Find[]
  states: Record<string, HuntState>
  peakBytes: number
}

/** One hunter, started again behind an image that hung or took too much memory, which is a find. */
async function hunt(
  order: FuzzOrder,
  result: HunterResult,
  { images, folder, label, seed }: { images: number; folder: string; label: number; seed: number },
): Promise<void> {
  const own = join(folder, `hunter-${label}`)
  mkdirSync(own)
  const until = performance.now() + order.seconds * 1000
  for (let turn = 0; ; turn += 1) {
    const left = images - imagesOf(result.states)
    const seconds = (until - performance.now()) / 1000
    if (left <= 0 || seconds <= 0 || result.finds.length >= maxFinds) return
    const trace = join(own, 'trace')
    writeFileSync(trace, '')
    const child = fork(hunterFile, {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512', '--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const huntOrder: HuntOrder = {
      folder,
      only: order.only,
      images: left,
      seconds,
      seed: seed + turn,
      guided: order.guided,
      trace,
    }
    child.send(huntOrder)
    if (await watched(child, { result, trace, say: order.say ?? (() => undefined), label })) return
  }
}

interface Watching {
  result: HunterResult
  trace: string
  say: (line: string) => void
  label: number
}

/** True when the hunter came to its end by itself. */
function watched(child: ChildProcess, { result, trace, say, label }: Watching): Promise<boolean> {
  const before = result.states
  return new Promise((resolve, reject) => {
    let heardAt = performance.now()
    let saidAt = performance.now()
    let image = ''
    let cpuAtImage = 0
    let ended = false
    const blame = (what: string) => {
      const text = readFileSync(trace, 'latin1').trim()
      say(`${what}: ${text}`)
      if (text === '') reject(new Error(`A hunter failed before it read anything: ${what}`))
      else result.finds.push({ ...parsedTrace(text), what })
    }
    const stop = (what: string) => {
      clearInterval(watch)
      blame(what)
      child.kill('SIGKILL')
    }
    const watch = setInterval(() => {
      const cpu = cpuMilliseconds(child)
      const [now = ''] = readFileSync(trace, 'latin1').split(' ', 1)
      if (now !== image) [image, cpuAtImage] = [now, cpu]
      else if (image !== '' && cpu - cpuAtImage > maxMilliseconds) stop(`hung for more than ${maxMilliseconds} ms of the processor`)
      if (performance.now() - heardAt > maxSilenceMs) stop(`nothing was heard of it for ${maxSilenceMs / 1000} s`)
    }, 1000)
    child.on('message', (news: HuntNews) => {
      heardAt = performance.now()
      if (news.kind === 'find') {
        result.finds.push(news.find)
        say(`${news.find.target}, ${news.find.seed}: ${news.find.what.slice(0, 600)}\n${JSON.stringify(news.find.mutation)}`)
      }
      if (news.kind !== 'find') result.states = added([before, news.states])
      if (result.finds.length >= maxFinds) child.kill('SIGKILL')
      if (news.kind === 'end') {
        ended = true
        result.peakBytes = Math.max(result.peakBytes, news.peakBytes)
      }
      if (news.kind !== 'progress') return
      result.peakBytes = Math.max(result.peakBytes, news.heldBytes)
      if (news.heldBytes > maxHeldBytes) stop(`took ${Math.round(news.heldBytes / 1024 / 1024)} MiB of memory`)
      if (performance.now() - saidAt < 10_000) return
      saidAt = performance.now()
      say(
        `process ${label}: ${imagesOf(result.states)} images, ${result.finds.length} finds, ${Math.round(news.heldBytes / 1024 / 1024)} MiB`,
      )
    })
    child.on('exit', (code, signal) => {
      clearInterval(watch)
      if (!ended && signal === null && code !== 0) blame(`the process ended with exit code ${code}`)
      resolve(ended)
    })
  })
}

/** "12 {…}": what hunter.ts writes before it reads an image. One that was cut because it is too long names no image. */
function parsedTrace(text: string): Find {
  const json = text.slice(text.indexOf(' ') + 1)
  try {
    return JSON.parse(json) as Find
  } catch {
    return { target: json.slice(0, 200), seed: '', what: '', mutation: { sizeBytes: null, patches: [] } }
  }
}

/** proc(5): user and system time of the main thread in hundredths of a second, fields 14 and 15 behind the name. */
function cpuMilliseconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}

function keep(folder: string, finds: Find[]): void {
  mkdirSync(folder, { recursive: true })
  for (const [at, find] of finds.entries())
    writeFileSync(join(folder, `find-${at}-${find.target}.json`), JSON.stringify(find, null, 1))
}
