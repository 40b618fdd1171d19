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

export interface FuzzOrder {
  images: number
  seconds: number
  seed: number
  processes: number
  only: string[]
  guided: boolean
  /** Where finds are written to; null: nowhere. */
  findsFolder: string | null
  say?: (line: string) => void
}

export interface FuzzResult {
  images: number
  seconds: number
  finds: Find[]
  peakBytes: number
  slowestMs: number
  states: Record<string, HuntState>
}

const maxHeldBytes = 512 * 1024 * 1024
const maxFinds = 50
const maxSilenceMs = 180_000
const hunterFile = fileURLToPath(new URL('hunter.ts', import.meta.url))

/** Runs until so many images were read or the time is over. The practice cards are made once, as sparse files that the hunters share. */
export async function fuzz(order: FuzzOrder): Promise<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-fuzz-'))
  const started = performance.now()
  try {
    if (order.only.length === 0 || order.only.includes('card')) await makeCards(folder)
    const each = Math.ceil(order.images / order.processes)
    const runs = Array.from({ length: order.processes }, (_, at) => hunt(order, { at, images: each, folder }))
    const results = await Promise.all(runs)
    const finds = results.flatMap((result) => result.finds)
    if (order.findsFolder !== null && finds.length > 0) keep(order.findsFolder, finds)
    return {
      images: results.reduce((sum, { states }) => sum + imagesOf(states), 0),
      seconds: (performance.now() - started) / 1000,
      finds,
      peakBytes: Math.max(...results.map(({ peakBytes }) => peakBytes)),
      slowestMs: Math.max(...results.flatMap(({ states }) => Object.values(states).map(({ slowestMs }) => slowestMs))),
      states: added(results.map(({ states }) => states)),
    }
  } finally {
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
  { at, images, folder }: { at: number; images: number; folder: string },
): Promise<HunterResult> {
  const own = join(folder, `hunter-${at}`)
  mkdirSync(own)
  const result: HunterResult = { finds: [], states: {}, peakBytes: 0 }
  const until = performance.now() + order.seconds * 1000
  for (let turn = 0; ; turn += 1) {
    const left = images - imagesOf(result.states)
    const seconds = (until - performance.now()) / 1000
    if (left <= 0 || seconds <= 0 || result.finds.length >= maxFinds) return result
    const trace = join(own, 'trace')
    const child = fork(hunterFile, {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512', '--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const huntOrder: HuntOrder = {
      folder,
      only: order.only,
      images: left,
      seconds,
      seed: order.seed + at * 1000 + turn,
      guided: order.guided,
      trace,
    }
    child.send(huntOrder)
    const ended = await watched(child, { result, trace, say: order.say ?? (() => undefined), label: at })
    if (ended) return result
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
  return new Promise((resolve) => {
    let heardAt = performance.now() + 60_000
    let cpuWhenHeard = Number.POSITIVE_INFINITY
    let saidAt = performance.now()
    let ended = false
    const stop = (what: string) => {
      const text = readFileSync(trace, 'latin1').trim()
      say(`${what}: ${text}`)
      if (text !== '') result.finds.push({ ...(JSON.parse(text) as Find), what })
      child.kill('SIGKILL')
    }
    const watch = setInterval(() => {
      const late = performance.now() - heardAt > 2 * maxMilliseconds
      if (late && cpuMilliseconds(child) - cpuWhenHeard > 2 * maxMilliseconds) stop(`hung for more than ${maxMilliseconds} ms`)
      else if (performance.now() - heardAt > maxSilenceMs) stop(`nothing was heard of it for ${maxSilenceMs / 1000} s`)
    }, 1000)
    child.on('message', (news: HuntNews) => {
      heardAt = performance.now()
      cpuWhenHeard = cpuMilliseconds(child)
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
      if (!ended && signal === null && code !== 0) {
        const text = readFileSync(trace, 'latin1').trim()
        const find: Find =
          text === '' ? { target: '', seed: '', what: '', mutation: { sizeBytes: null, patches: [] } } : (JSON.parse(text) as Find)
        result.finds.push({ ...find, what: `the process ended with exit code ${code}` })
      }
      resolve(ended)
    })
  })
}

/** proc(5): user and system time in hundredths of a second, fields 14 and 15 behind the name. */
function cpuMilliseconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}

function imagesOf(states: Record<string, HuntState>): number {
  return Object.values(states).reduce((sum, { images }) => sum + images, 0)
}

function added(all: Record<string, HuntState>[]): Record<string, HuntState> {
  const sum: Record<string, HuntState> = {}
  for (const [name, { images, kept, blocks, slowestMs }] of all.flatMap(Object.entries<HuntState>)) {
    const so = sum[name] ?? { images: 0, kept: 0, blocks: 0, slowestMs: 0 }
    sum[name] = {
      images: so.images + images,
      kept: so.kept + kept,
      blocks: Math.max(so.blocks, blocks),
      slowestMs: Math.max(so.slowestMs, slowestMs),
    }
  }
  return sum
}

function keep(folder: string, finds: Find[]): void {
  mkdirSync(folder, { recursive: true })
  for (const [at, find] of finds.entries())
    writeFileSync(join(folder, `find-${at}-${find.target}.json`), JSON.stringify(find, null, 1))
}
