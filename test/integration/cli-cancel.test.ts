import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { job } from '../../native-helpers/contract.ts'
import { cannotLoop } from '../support/devices.ts'
import { imageServer } from '../support/image-server.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { isUnfinished, sampleImage, sha256, usedCard } from '../support/sample-images.ts'
import { stalling } from '../support/stalling-server.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} in the middle of writing ends with 130 and leaves a card that says so`, { skip }, async (t) => {
    const server = await imageServer(t, stalling(readFileSync(sampleImage(testFolder(t))), 9 * MiB))
    const card = usedCard(t)
    const args = ['flash', `${server}/card.img`, card.path, '--yes', '--json', '--allow-virtual']
    const { code, stdout, stderr } = await runCli(args, {
      onStart: (child) => {
        child.stdout?.on('data', (chunk) => {
          if (String(chunk).includes('"phase":"writing"')) child.kill(signal)
        })
      },
    })
    assert.equal(code, 130, stderr)
    assert.match(stderr, /Stopping/)
    assert.match(stderr, /What it means: .*not a usable system/)
    assert.match(stderr, /What to do: /)
    const result = jsonLines(stdout).at(-1)
    assert.equal(result?.exitCode, 130)
    assert.equal(job.parse(result?.job).state, 'cancelled')
    assert.ok(isUnfinished(card.path))
  })
}

test('Ctrl-C while the image is only looked at ends with 130, and nothing was changed', { skip }, async (t) => {
  let stop = () => {}
  // Takes the connection and never answers.
  const server = await imageServer(t, () => stop())
  const card = usedCard(t)
  const before = sha256(card.path)
  const { code, stderr } = await runCli(['flash', `${server}/card.img`, card.path, '--yes', '--allow-virtual'], {
    onStart: (child) => {
      stop = () => child.kill('SIGINT')
    },
  })
  assert.equal(code, 130, stderr)
  assert.match(stderr, /Nothing was changed/)
  assert.equal(sha256(card.path), before)
})

test('a second Ctrl-C does not wait', { skip }, async (t) => {
  let stop = () => {}
  const server = await imageServer(t, () => stop())
  const card = usedCard(t)
  const started = performance.now()
  const { code } = await runCli(['verify', `${server}/card.img`, card.path], {
    onStart: (child) => {
      stop = () => {
        child.kill('SIGINT')
        setTimeout(() => child.kill('SIGINT'), 200)
      }
    },
  })
  assert.equal(code, 130)
  assert.ok(performance.now() - started < 15_000)
})
