import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { drive } from '../../native-helpers/contract.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { testFolder, tool } from '../support/tools.ts'

const packageVersion = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

/** Every error says what happened, what it means, and what to do. */
const threeParts = /^Error: .+\n {2}What it means: .+\n {2}What to do: .+$/m

test('help and version go to stdout and end with 0', async () => {
  for (const args of [
    ['help'],
    ['--help'],
    ['-h'],
    ['help', 'flash'],
    ['flash', '--help'],
    ['drives', '--help'],
    ['serve', '--help'],
  ]) {
    const { code, stdout, stderr } = await runCli(args)
    assert.equal(code, 0, args.join(' '))
    assert.match(stdout, /livecard/)
    assert.equal(stderr, '')
  }
  const { stdout } = await runCli(['--version'])
  assert.equal(stdout, `livecard ${packageVersion}\n`)
})

test('wrong usage ends with 2, says why in three parts on stderr, and nothing on stdout', async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'small.img')
  writeFileSync(image, Buffer.alloc(1 << 20, 1))
  const cases = [
    ['frobnicate'],
    ['inspect'],
    ['inspect', image, image],
    ['inspect', join(folder, 'absent.img')],
    ['inspect', folder, '--base', image],
    ['repair'],
    ['enlarge', image],
    ['repair', folder],
    ['switch', image, 'a'],
    ['demo', folder, 'no-such-card'],
    ['flash'],
    ['flash', image],
    ['flash', image, join(folder, 'card.img'), '--frob'],
    ['flash', image, join(folder, 'card.img'), '--sha256', 'abc', '--yes'],
    ['flash', image, join(folder, 'card.img'), '--size', '8G', '--yes'],
    ['flash', image, join(folder, 'card.img'), '--size'],
    ['flash', image, folder, '--yes'],
    ['flash', image, join(folder, 'absent', 'card.img'), '--yes'],
    ['flash', image, '/dev/no-such-drive', '--yes'],
    ['flash', image, '/dev/null', '--yes'],
    ['flash', join(folder, 'absent.img'), join(folder, 'card.img'), '--yes'],
    ['verify', image],
    ['verify', image, join(folder, 'absent-card.img')],
    ['verify', image, image, image],
    ['serve', '--port', 'http'],
    ['serve', '--port', '70000'],
    ['help', 'frobnicate'],
  ]
  for (const args of cases) {
    const { code, stdout, stderr } = await runCli(args)
    assert.equal(code, 2, `${args.join(' ')}\n${stderr}`)
    assert.match(stderr, threeParts, args.join(' '))
    assert.equal(stdout, '', args.join(' '))
  }
  assert.equal((await runCli([])).code, 2)
  assert.equal(existsSync(join(folder, 'card.img')), false)
  assert.equal(existsSync('/dev/no-such-drive'), false, 'a slip in a drive’s name makes no file in /dev')
})

test('a verb of another version is not called unknown', async () => {
  const { stderr } = await runCli(['switch', '/x'])
  assert.match(stderr, /does not have "switch"/)
  assert.match((await runCli(['repiar', '/x'])).stderr, /There is no "repiar"/)
})

test('with --json an error is the one document on stdout too', async () => {
  const { code, stdout, stderr } = await runCli(['flash', '/absent.img', '/absent/card.img', '--json'])
  assert.equal(code, 2)
  assert.match(stderr, threeParts)
  const [result, ...more] = jsonLines(stdout)
  assert.equal(more.length, 0)
  assert.equal(result?.type, 'result')
  assert.equal(result?.ok, false)
  assert.equal(result?.exitCode, 2)
  assert.equal((result?.error as { kind: string } | undefined)?.kind, 'usage')
})

test('drives --json is one document of the contract; refused drives come with --all and their reasons', async (t) => {
  const cannot = cannotLoop()
  if (cannot) return t.skip(cannot)
  const loop = withLoop(t, { sizeBytes: 64 << 20 })
  const open = jsonLines((await runCli(['drives', '--json'])).stdout)
  assert.equal(open.length, 1)
  const openDrives = drive.array().parse(open[0]?.drives)
  assert.ok(openDrives.every((one) => one.refusals.length === 0))
  assert.ok(!openDrives.some((one) => one.identity.path === loop.path))

  const { stdout, code } = await runCli(['drives', '--all', '--json'])
  assert.equal(code, 0)
  const all = drive.array().parse(jsonLines(stdout)[0]?.drives)
  const ours = all.find((one) => one.identity.path === loop.path)
  assert.deepEqual(
    ours?.refusals.map((refusal) => refusal.code),
    ['virtual'],
  )
  const human = await runCli(['drives', '--all'])
  assert.equal(human.code, 0)
  assert.match(human.stdout, new RegExp(`${loop.path} .*\n +This is not a real drive`))
  const system = tool('findmnt', ['--noheadings', '--output', 'SOURCE', '/']).trim()
  if (system.startsWith('/dev/')) {
    const here = all.find((one) => system.startsWith(one.identity.path))
    assert.ok(here?.refusals.some((refusal) => refusal.code === 'system'))
  }
})

test('a reader that goes away early does not turn into an error', async () => {
  const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const main = new URL('../../native-helpers/cli/main.ts', import.meta.url).pathname
    const child = spawn('bash', ['-c', 'set -o pipefail; "$0" "$1" drives --all --json | true', process.execPath, main])
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.once('close', (code) => resolve({ code, stderr }))
  })
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stderr, /EPIPE|Unhandled/)
})
