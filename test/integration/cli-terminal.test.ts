import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cannotLoop } from '../support/devices.ts'
import { difference, sampleImage, sha256, usedCard } from '../support/sample-images.ts'
import { missingTools, testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? missingTools('script') ?? false
const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
const MiB = 1024 * 1024
const lineDrawnAnew = '\r\u001b[2K'

/** The command on a real terminal, by script(1): `reply` is typed once `prompt` is seen. */
function onTerminal(t: TestContext, args: string[], prompt: RegExp, reply: string, columns = 80) {
  const words = [process.execPath, main, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const child = spawn('script', ['-q', '-e', '-c', `stty cols ${columns}; exec ${words}`, join(testFolder(t), 'typescript')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'xterm', XDG_STATE_HOME: testFolder(t) },
  })
  t.after(() => child.kill('SIGKILL'))
  let seen = ''
  let replied = false
  child.stdout.on('data', (chunk) => {
    seen += chunk
    if (replied || !prompt.test(seen)) return
    replied = true
    child.stdin.write(reply)
  })
  return new Promise<{ code: number | null; seen: string }>((resolve) => child.once('close', (code) => resolve({ code, seen })))
}

const question = /Type yes .*: /

test('the question names the drive, and yes writes with a bar that is drawn anew', { skip }, async (t) => {
  const image = sampleImage(testFolder(t), 64 * MiB)
  const card = usedCard(t, 64 * MiB)
  const { code, seen } = await onTerminal(t, ['flash', image, card.path, '--allow-virtual'], question, 'yes\n')
  assert.equal(code, 0, seen)
  assert.match(seen, new RegExp(`Everything on .*${card.path}.* is replaced`))
  assert.ok(seen.split(lineDrawnAnew).some((line) => /^(Writing|Reading back) +\d+ %/.test(line)))
  assert.match(seen, /[█░]/)
  assert.match(seen, /Written: /)
  assert.equal(difference(image, card.path), null)
})

test('any other answer, the end of input and Ctrl-C leave the card as it is, and end with 130', { skip }, async (t) => {
  const image = sampleImage(testFolder(t))
  const card = usedCard(t)
  const before = sha256(card.backing)
  const replies = {
    'only Enter': '\n',
    no: 'no\n',
    y: 'y\n',
    'yes and more': 'yes please\n',
    'Ctrl-D': '\u0004',
    'Ctrl-C': '\u0003',
  }
  for (const [name, reply] of Object.entries(replies)) {
    const { code, seen } = await onTerminal(t, ['flash', image, card.path, '--allow-virtual'], question, reply)
    assert.equal(code, 130, `${name}: ${seen}`)
    assert.match(seen, /Nothing was changed/, name)
  }
  assert.equal(sha256(card.backing), before)
})

test('on a narrow terminal the bar’s line never wraps', { skip }, async (t) => {
  const image = sampleImage(testFolder(t), 64 * MiB)
  const card = usedCard(t, 64 * MiB)
  const { code, seen } = await onTerminal(t, ['flash', image, card.path, '--allow-virtual', '--yes'], /never typed/, '', 30)
  assert.equal(code, 0, seen)
  // What follows the last one, which takes the line away, is the answer.
  const drawn = seen.split(lineDrawnAnew).slice(1, -1)
  assert.ok(drawn.length > 2)
  for (const line of drawn) assert.ok((line.split('\n')[0] ?? '').replace(/\r$/, '').length < 30, JSON.stringify(line))
})

test('drives on a terminal is plain text', { skip }, async (t) => {
  const { code, seen } = await onTerminal(t, ['drives', '--all'], /never typed/, '')
  assert.equal(code, 0)
  assert.ok(!seen.includes('\u001b'))
})
