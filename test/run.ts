/** `npm test [-- PART…]`: lint, types, then every test file (or those whose path contains a PART); the last line counts. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { endLeftovers } from './support/leftovers.ts'

const top = fileURLToPath(new URL('..', import.meta.url))
const parts = process.argv.slice(2)
process.chdir(top)

const counts = { passed: 0, failed: 0 }
const skipped: string[] = []

function check(name: string, command: string, args: string[]): void {
  const started = Date.now()
  const done = spawnSync(process.execPath, [join(top, 'node_modules', command), ...args], { stdio: 'inherit' })
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  process.stdout.write(`${done.status === 0 ? '✔' : '✖'} ${name} (${seconds} s)\n`)
  if (done.status === 0) counts.passed++
  else counts.failed++
}

/** Files of one folder: `concurrency` at a time, each in a process of its own, none longer than ten minutes. */
async function suite(folder: string, concurrency: number): Promise<void> {
  const files = globSync(`test/${folder}/**/*.test.ts`)
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort()
  if (files.length === 0) return
  process.stdout.write(`\n— ${folder}: ${files.length} files\n`)
  // A driven browser may leave a connection open after its last test; the file shall not wait for it.
  const execArgv = folder === 'e2e' ? ['--test-force-exit'] : []
  const stream = run({ files: files.map((file) => join(top, file)), concurrency, timeout: 600_000, execArgv })
  stream.on('test:pass', ({ name, skip, todo, details }) => {
    if (details.type === 'suite') return
    if (skip !== undefined || todo !== undefined) skipped.push(`${name}: ${typeof skip === 'string' ? skip : 'no reason given'}`)
    else counts.passed++
  })
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') counts.failed++
  })
  const done = endLeftovers(stream, (line) => process.stdout.write(line))
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject)
    const report = stream.compose(new spec())
    report.on('end', resolve)
    report.pipe(process.stdout, { end: false })
  })
  done()
}

if (parts.length === 0) {
  check('lint and format (biome)', '@biomejs/biome/bin/biome', ['ci', '--colors=off', '--error-on-warnings', '.'])
  check('types (tsc)', 'typescript/bin/tsc', ['--noEmit'])
}
await suite('unit', 2)
await suite('crash', 2)
await suite('integration', 2)
await suite('vm', 2)
await suite('fuzz', 1)
await suite('e2e', 1)

if (skipped.length > 0) process.stdout.write(`\nSkipped:\n${skipped.map((line) => `  ${line}`).join('\n')}\n`)
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${skipped.length} skipped\n`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
