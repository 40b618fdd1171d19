import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { webSocketChannel } from '../../native-helpers/channels/websocket.ts'
import { flashOptions } from '../../native-helpers/contract.ts'
import { createClient } from '../../native-helpers/contract-client.ts'
import { imageServer } from '../support/image-server.ts'
import { runCli } from '../support/run-cli.ts'
import { isUnfinished, sampleImage } from '../support/sample-images.ts'
import { stalling } from '../support/stalling-server.ts'
import { testFolder } from '../support/tools.ts'

const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
const built = existsSync(new URL('../../dist/renderer/index.html', import.meta.url))
const skip = built ? false : 'the interface is not built here (npm run build)'
const MiB = 1024 * 1024

interface Serving {
  child: ChildProcess
  lines: Interface
  stderr(): string
  ended: Promise<number | null>
}

function serving(t: TestContext, args: string[]): Serving {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_STATE_HOME: testFolder(t) },
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, lines: createInterface(child.stdout), stderr: () => said, ended }
}

async function signIn(url: string): Promise<WebSocket> {
  const { host, origin } = new URL(url)
  const asked = request(url, { agent: false }).end()
  const [response] = await once(asked, 'response')
  assert.equal(response.statusCode, 303)
  response.resume()
  const Cookie = response.headers['set-cookie'][0].split(';')[0]
  return new WebSocket(`ws://${host}/contract`, { headers: { Cookie, Origin: origin } })
}

test('serve prints one link on stdout and nothing else, serves the contract, and ends with 0', { skip }, async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, lines, ended } = serving(t, [])
    const printed: string[] = []
    lines.on('line', (line) => printed.push(line))
    const [url] = await once(lines, 'line')
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
    const client = createClient(webSocketChannel(await signIn(url)))
    const hello = await client.call('hello', {})
    assert.ok(hello.ok)
    const drives = await client.call('drives.list', {})
    assert.ok(drives.ok)
    child.kill(signal)
    assert.equal(await ended, 0)
    assert.equal(printed.length, 1)
  }
})

test('with --json the link is one document, and --port is honoured or refused by name', { skip }, async (t) => {
  const { child, lines, ended } = serving(t, ['--json'])
  const [line] = await once(lines, 'line')
  const { url, port, format } = JSON.parse(line)
  assert.equal(format, 1)
  assert.equal(new URL(url).port, String(port))
  const taken = await runCli(['serve', '--port', String(port)])
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /another program uses it/)
  child.kill('SIGTERM')
  assert.equal(await ended, 0)
})

test('ending it cancels the job that runs, names it, leaves the card marked, and ends with 130', { skip }, async (t) => {
  const folder = testFolder(t)
  const images = await imageServer(t, stalling(readFileSync(sampleImage(folder)), 9 * MiB))
  const card = join(folder, 'card.img')
  const { child, lines, stderr, ended } = serving(t, [])
  const [url] = await once(lines, 'line')
  const client = createClient(webSocketChannel(await signIn(url)))
  const planned = await client.call('flash.plan', {
    image: { location: `${images}/card.img` },
    targets: [{ kind: 'file', path: card, sizeBytes: 16 * MiB }],
    options: flashOptions.parse({}),
  })
  assert.ok(planned.ok, JSON.stringify(planned))
  const writing = new Promise<void>((resolve) => {
    client.on('job', (job) => {
      if (job.progress.phase === 'writing' && job.progress.doneBytes > MiB) resolve()
    })
  })
  await client.call('jobs.list', {})
  const started = await client.call('flash.start', { planId: planned.value.planId, confirmed: [] })
  assert.ok(started.ok)
  await writing
  child.kill('SIGINT')
  assert.equal(await ended, 130)
  assert.match(stderr(), /Stopping: writing card\.img on card\.img/)
  assert.ok(isUnfinished(card))
})
