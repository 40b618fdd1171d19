import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, test } from 'node:test'
import { endLeftovers } from '../support/leftovers.ts'

const patience = { graceMs: 500, silenceMs: 3000, lookMs: 200 }

async function runWatched(source: string): Promise<{ said: string; failed: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-leftovers-'))
  const file = join(folder, 'sample.test.ts')
  writeFileSync(file, source)
  // A runner in a runner only hands on what it hears; this one is to run for itself.
  const { NODE_TEST_CONTEXT: context, ...env } = process.env
  delete process.env.NODE_TEST_CONTEXT
  try {
    const stream = run({ files: [file], execArgv: ['--disable-warning=ExperimentalWarning'] })
    const said: string[] = []
    const failed: string[] = []
    stream.on('test:fail', ({ name }) => failed.push(name === file ? 'the file' : name))
    const done = endLeftovers(stream, (line) => said.push(line), patience)
    await new Promise((resolve) => stream.on('end', resolve).resume())
    done()
    return { said: said.join(''), failed }
  } finally {
    Object.assign(process.env, env, context === undefined ? {} : { NODE_TEST_CONTEXT: context })
    rmSync(folder, { recursive: true })
  }
}

const ask = `import { spawn } from 'node:child_process'\nimport { test } from 'node:test'\n`
const skip = process.platform === 'linux' ? false : 'only Linux tells who holds an output open'

test('a process that outlives its test is named and ended, and the run goes on', { skip }, async () => {
  const orphan = `spawn('sleep', ['97'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true, env: {} }).unref()`
  const { said, failed } = await runWatched(`${ask}test('leaves a process behind', () => { ${orphan} })\n`)
  assert.match(said, /outlived its test, so process \d+ was ended: sleep 97/)
  assert.deepEqual(failed, [])
})

test('a file that hangs is ended, and has failed', { skip }, async () => {
  const { said, failed } = await runWatched(`${ask}test('never ends', () => new Promise(() => setInterval(() => spawn, 1000)))\n`)
  assert.match(said, /nothing was heard/)
  assert.deepEqual(failed.includes('the file'), true, failed.join())
})
