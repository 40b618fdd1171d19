/**
 * Processes that a test started and that outlived its file: as long as one holds the file's output open, Node's runner waits for it, for ever.
 * They are told by that output, since daemons and other users' programs shed their parents and their environment. Linux only, elsewhere nothing is done.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { run } from 'node:test'

const patience = { graceMs: 20_000, silenceMs: 300_000, lookMs: 5000 }

interface TestFile {
  process: number
  /** The sockets that are its standard output and error output, as /proc calls them. */
  outputs: Set<string>
  finishedAt: number | null
}

/** Ends what holds a finished file's output open, and a file of which nothing was heard for five minutes; says what it ended. Returns what ends the watch. */
export function endLeftovers(
  stream: ReturnType<typeof run>,
  say: (line: string) => void,
  { graceMs, silenceMs, lookMs }: typeof patience = patience,
): () => void {
  if (process.platform !== 'linux') return () => undefined
  const files = new Map<string, TestFile>()
  let heardAt = Date.now()

  const look = () => {
    for (const id of childrenOf(process.pid)) {
      const file = read(id, 'cmdline').split('\0').at(-2) ?? ''
      if (!file.endsWith('.test.ts') || files.get(file)?.process === id) continue
      files.set(file, {
        process: id,
        outputs: new Set([link(id, 'fd/1'), link(id, 'fd/2')].filter((name) => /^\w+:/.test(name))),
        finishedAt: null,
      })
    }
  }
  const heard = () => {
    heardAt = Date.now()
    look()
  }
  for (const name of ['test:start', 'test:pass', 'test:fail', 'test:dequeue'] as const) stream.on(name, heard)
  stream.on('test:summary', ({ file }: { file?: string | undefined }) => {
    const known = file === undefined ? undefined : files.get(file)
    if (known) known.finishedAt = Date.now()
  })
  stream.on('test:complete', ({ name }: { name: string }) => files.delete(name))

  const timer = setInterval(() => {
    look()
    const late = Date.now() - heardAt > silenceMs
    for (const [file, { process: own, outputs, finishedAt }] of files) {
      if (!late && (finishedAt === null || Date.now() - finishedAt <= graceMs)) continue
      const why = late ? 'nothing was heard for five minutes' : 'it outlived its test'
      for (const id of holdersOf(outputs).add(own)) {
        if (read(id, 'cmdline') === '') continue
        say(`${file}: ${why}, so process ${id} was ended: ${read(id, 'cmdline').replaceAll('\0', ' ').slice(-160)}\n`)
        end(id)
      }
    }
    if (late) heardAt = Date.now()
  }, lookMs)
  return () => clearInterval(timer)
}

function holdersOf(outputs: Set<string>): Set<number> {
  const holders = new Set<number>()
  for (const id of readdirSync('/proc').map(Number)) {
    if (!(id > 1) || id === process.pid) continue
    for (const descriptor of list(`/proc/${id}/fd`)) if (outputs.has(link(id, `fd/${descriptor}`))) holders.add(id)
  }
  return holders
}

function childrenOf(id: number): number[] {
  return list(`/proc/${id}/task`).flatMap((thread) => read(id, `task/${thread}/children`).split(' ').filter(Boolean).map(Number))
}

function end(id: number): void {
  try {
    process.kill(id, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(id: number, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

function link(id: number, file: string): string {
  try {
    return readlinkSync(`/proc/${id}/${file}`)
  } catch {
    return ''
  }
}
