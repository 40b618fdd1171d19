/** What `npm start`, `npm test` and the other scripts do once the packages are there. Runs in the project's own Node. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const top = fileURLToPath(new URL('..', import.meta.url))
const [verb = 'start', ...rest] = process.argv.slice(2)

type Verb = (args: string[]) => Promise<number>

const verbs: Record<string, Verb> = {
  async start(args) {
    if (args.length === 0) return openApp()
    return livecard(args)
  },
  livecard,
  async setup() {
    const { setUp } = await import('./setup.ts')
    await setUp('tests')
    return 0
  },
  async build() {
    const { bundle } = await import('./bundle.ts')
    await bundle({ production: true })
    return 0
  },
  async dist(args) {
    const { setUp } = await import('./setup.ts')
    await setUp('app')
    return node(['build/package.ts', ...args])
  },
  async bench(args) {
    const { setUp } = await import('./setup.ts')
    await setUp('command')
    return node(['test/bench/bench.ts', ...args])
  },
  async fuzz(args) {
    const { setUp } = await import('./setup.ts')
    await setUp('tests')
    return node(['test/fuzz/run.ts', ...args])
  },
  async test(args) {
    const { setUp } = await import('./setup.ts')
    await setUp('tests')
    return node(['test/run.ts', ...args])
  },
}

async function livecard(args: string[]): Promise<number> {
  const { setUp } = await import('./setup.ts')
  await setUp(args[0] === 'serve' ? 'browser' : 'command')
  return node(['native-helpers/cli/main.ts', ...args])
}

/** The app in Electron where there is a display and a runtime, else the same app in the browser. */
async function openApp(): Promise<number> {
  const { setUp, say } = await import('./setup.ts')
  const headless = process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY
  if (headless) {
    say('there is no display here, so the app is served to a browser instead')
    return livecard(['serve'])
  }
  const { electron } = await setUp('app')
  if (!electron) {
    say('no Electron for this machine, so the app is served to a browser instead')
    return livecard(['serve'])
  }
  const root = process.platform === 'linux' && process.getuid?.() === 0
  if (root)
    say(
      'started as root: Chromium refuses its sandbox to root, so the window runs without it; start it as an ordinary user to have it',
    )
  return run(join(electron.folder, electronProgram()), [...(root ? ['--no-sandbox'] : []), top])
}

function electronProgram(): string {
  if (process.platform === 'win32') return 'electron.exe'
  return process.platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : 'electron'
}

/**
 * With Node's own cache of what it makes of TypeScript, keyed by the content of each file: a command, and each of its threads, is there in half of the time
 * and with 15 MiB less. Where it cannot be written to, Node goes without.
 */
function node(args: string[]): Promise<number> {
  process.env.NODE_COMPILE_CACHE ??= join(top, 'node_modules', '.cache', 'livecard', 'compiled')
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', join(top, args[0] ?? ''), ...args.slice(1)])
}

function run(command: string, args: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit' })
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

const chosen = verbs[verb]
if (!chosen || !existsSync(join(top, 'package.json'))) {
  process.stderr.write(`unknown script "${verb}"; there are: ${Object.keys(verbs).join(', ')}\n`)
  process.exit(2)
}
try {
  process.exitCode = await chosen(rest)
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 1
}
