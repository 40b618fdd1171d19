// The door to every npm script: the one file that the machine's own Node (20 or newer) runs. It installs the locked packages and the project's own
// Node when they are missing or the lock file has changed, then hands over to TypeScript run by that Node.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const top = dirname(dirname(fileURLToPath(import.meta.url)))
const windows = process.platform === 'win32'
const projectNode = join(top, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
const stamp = join(top, 'node_modules', '.livecard-installed')
const locked = createHash('sha256')
  .update(readFileSync(join(top, 'package-lock.json')))
  .digest('hex')

const say = (text) => process.stderr.write(`set-up: ${text}\n`)

function npm(args, quietly) {
  // npm_execpath is the npm that runs this script; without it (node build/start.mjs …) the one on the PATH.
  const script = process.env.npm_execpath
  // Under npm this process itself may run from node_modules/.bin, which "npm ci" takes away; npm's own Node stays.
  const command = script ? (process.env.npm_node_execpath ?? process.execPath) : windows ? 'npm.cmd' : 'npm'
  const all = script ? [script, ...args] : args
  const done = spawnSync(command, all, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', shell: windows && !script })
  if (done.status === 0) return
  if (!quietly) process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error ? `${done.error.message}\n` : ''}`)
  say(
    `"npm ${args.join(' ')}" failed (exit ${done.status}). Nothing outside this folder was changed; once the cause is mended, run the same command again.`,
  )
  process.exit(1)
}

// A later "npm install" prunes what the package brought beside its program: the headers that addons are built with.
const headers = join(top, 'node_modules', 'node', 'node_modules')
const installed = existsSync(projectNode) && existsSync(headers) && existsSync(stamp) && readFileSync(stamp, 'utf8') === locked
if (!installed) {
  const started = Date.now()
  say('installing the packages that package-lock.json names (about a minute the first time)')
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
  say("installing the project's own Node 24")
  npm(['rebuild', 'node', '--ignore-scripts=false'])
  if (!existsSync(projectNode)) {
    say(
      'the npm package "node" brought no Node for this machine; Livecard needs one of its platforms (Linux, macOS or Windows on x64 or arm64).',
    )
    process.exit(1)
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, locked)
  say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`)
}

const [verb = 'start', ...rest] = process.argv.slice(2)
const env = { ...process.env, PATH: `${dirname(projectNode)}${windows ? ';' : ':'}${process.env.PATH ?? ''}` }
// A write per target and several in flight each: libuv's four threads would make targets wait for each other.
env.UV_THREADPOOL_SIZE ??= '16'
const child = spawn(projectNode, ['--disable-warning=ExperimentalWarning', join(top, 'build', 'run.ts'), verb, ...rest], {
  stdio: 'inherit',
  env,
})
// A Ctrl-C reaches the child by itself, as the terminal sends it to both; the others come to this process alone.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  say(`the project's own Node could not be started: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
