/** How long inspecting takes, how much it reads and how much memory it needs: part of `npm run bench`, or `--only inspect`. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { inspect } from '../../native-helpers/jobs/inspect.ts'
import { lamponeCard, liveosStick } from './inspect-cards.ts'

const MiB = 1024 * 1024

interface Figures {
  what: string
  helperMs: number
  commandMs: number
  readMib: number
  peakMib: number
  system: string
}

/** A table in Markdown. The cards are made in `folder` and belong to its owner to remove. */
export async function inspectFigures(folder: string, runs: number): Promise<string> {
  const cards: [what: string, path: string][] = [
    ['Lampone card, 32 GiB', await lamponeCard(folder)],
    ['LiveOS stick, nested ext4 of 8 GiB', liveosStick(folder)],
  ]
  const rows: Figures[] = []
  for (const [what, path] of cards) rows.push(await measure(what, path, runs))
  const lines = rows.map(
    ({ what, helperMs, commandMs, readMib, peakMib, system }) =>
      `| ${what} (${system}) | ${helperMs} | ${commandMs} | ${readMib.toFixed(1)} | ${peakMib} |`,
  )
  const head = '| inspect, warm | in the app, ms | as a command, ms | read from the card, MiB | peak of the command, MiB |'
  return [head, '|---|--:|--:|--:|--:|', ...lines].join('\n')
}

async function measure(what: string, path: string, runs: number): Promise<Figures> {
  const first = await inspect({ path })
  const helper: number[] = []
  const command: number[] = []
  let peakMib = 0
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now()
    await inspect({ path })
    helper.push(performance.now() - started)
    const { ms, peakKib } = runCommand(path)
    command.push(ms)
    peakMib = Math.max(peakMib, Math.round(peakKib / 1024))
  }
  const middle = (numbers: number[]) => Math.round(numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN)
  return {
    what,
    helperMs: middle(helper),
    commandMs: middle(command),
    readMib: first.reading.bytesRead / MiB,
    peakMib,
    system: first.system?.id ?? 'not recognised',
  }
}

/** VmHWM, told by the process itself when it ends. */
const report = `import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => writeSync(2, 'peak ' + /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]))`

function runCommand(path: string): { ms: number; peakKib: number } {
  const main = join(import.meta.dirname, '../../native-helpers/cli/main.ts')
  const words = ['--disable-warning=ExperimentalWarning', '--import', `data:text/javascript,${encodeURIComponent(report)}`, main]
  const script = '"$0" "$@" 2>&1 >/dev/null || true'
  const started = performance.now()
  const said = execFileSync('bash', ['-c', script, process.execPath, ...words, 'inspect', path, '--json'], { encoding: 'utf8' })
  return { ms: performance.now() - started, peakKib: Number(/peak (\d+)/.exec(said)?.[1] ?? Number.NaN) }
}
