import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cannotLoop } from '../support/devices.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { difference, isUnfinished, sampleImage, usedCard } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024
const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))

/** Large enough that every phase takes a while, and that threads of its own read it back. */
const imageBytes = 160 * MiB
const phases = ['preparing', 'writing', 'verifying'] as const

/** Those that still have it open after a while: whoever lists all drives of this machine opens each for a moment. */
async function lastingHolders(device: string): Promise<string[]> {
  let found = holders(device)
  for (let look = 0; look < 50 && found.length > 0; look += 1) {
    await pause(100)
    const now = new Set(holders(device))
    found = found.filter((one) => now.has(one))
  }
  return found
}

/** The processes that have this device open. */
function holders(device: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const opens = (pid: string) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`) === device
        } catch {
          return false
        }
      })
    } catch {
      return false
    }
  }
  return pids.filter(opens)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test(`${signal} in any phase leaves a finished card or one that says it is not, and the drive free`, { skip }, async (t) => {
    const image = sampleImage(testFolder(t), imageBytes)
    const card = usedCard(t, imageBytes + MiB)
    const args = ['flash', image, card.path, '--yes', '--json', '--allow-virtual']
    for (const phase of phases) {
      let sent = false
      const { code, stdout, stderr } = await runCli(args, {
        onStart: (child) => {
          child.stdout?.on('data', (chunk) => {
            sent ||= String(chunk).includes(`"phase":"${phase}"`) && child.kill(signal)
          })
        },
      })
      assert.ok(sent || phase !== 'preparing', stderr)
      // A job may be past the point where it is stopped, or pass through a phase so fast that nobody is told of it.
      if (code === 0) assert.equal(difference(image, card.path), null, `${phase}: finished, and right`)
      else assert.equal(code, signal === 'SIGKILL' ? null : 130, `${phase}: ${stderr}`)
      if (code !== 0 && phase !== 'preparing') assert.ok(isUnfinished(card.path), `${phase}: ${code}, and nothing starts from it`)
      if (code === 130) assert.equal(jsonLines(stdout).at(-1)?.exitCode, 130)
      assert.deepEqual(await lastingHolders(card.path), [], phase)
    }
    const again = await runCli(args)
    assert.equal(again.code, 0, again.stderr)
    assert.equal(difference(image, card.path), null)
  })
}

test('with nobody reading any more, or nothing to read from, the card is still written to its end', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const run = (words: string) => {
    const script = `set -o pipefail; ${words}`
    const env = { ...process.env, XDG_STATE_HOME: folder, IMAGE: image, LIVECARD: `${process.execPath} ${main}` }
    const child = spawn('bash', ['-c', script], { cwd: folder, env, stdio: 'ignore' })
    return new Promise<number | null>((resolve) => child.once('close', resolve))
  }
  const ways = {
    'a reader that leaves': '$LIVECARD flash $IMAGE TARGET --yes --json | head -1',
    'a full disk behind stdout': '$LIVECARD flash $IMAGE TARGET --yes --json > /dev/full',
    'stderr closed': '$LIVECARD flash $IMAGE TARGET --yes 2>&-',
    'everything closed': '$LIVECARD flash $IMAGE TARGET --yes <&- >&- 2>&-',
  }
  for (const [index, [name, words]] of Object.entries(ways).entries()) {
    const card = `card-${index}.img`
    assert.equal(await run(words.replace('TARGET', card)), 0, name)
    assert.equal(difference(image, join(folder, card)), null, name)
  }
  assert.equal(await run('$LIVECARD flash $IMAGE unasked.img <&-'), 2, 'nobody can be asked')
  assert.ok(!readdirSync(folder).includes('unasked.img'))
})

test('a sum that is too short, too long or of the other kind is wrong usage, and nothing is made', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const sha = execFileSync('sha256sum', [image], { encoding: 'utf8' }).slice(0, 64)
  const md5 = execFileSync('md5sum', [image], { encoding: 'utf8' }).slice(0, 32)
  const card = join(folder, 'card.img')
  const wrong = [
    ...[sha.slice(1), `${sha}0`, md5, '', `${sha.slice(1)}g`].map((sum) => ['--sha256', sum]),
    ...[md5.slice(1), sha, ''].map((sum) => ['--md5', sum]),
  ]
  for (const args of wrong) {
    const { code, stderr } = await runCli(['flash', image, card, '--yes', ...args])
    assert.equal(code, 2, `${args}: ${stderr}`)
    assert.match(stderr, /hexadecimal digits/)
  }
  assert.ok(!readdirSync(folder).includes('card.img'))
  const { code, stderr } = await runCli(['flash', image, card, '--yes', '--sha256', sha.toUpperCase(), '--md5', md5.toUpperCase()])
  assert.equal(code, 0, stderr)
  assert.equal(readFileSync(card).length, readFileSync(image).length)
})
