import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { flashBad } from '../support/bad-input.ts'
import { cannotLoop } from '../support/devices.ts'
import { imageServer } from '../support/image-server.ts'
import { runCli } from '../support/run-cli.ts'
import { difference, sampleImage, usedCard } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false

const notFound = (response: ServerResponse) => response.writeHead(404).end()

test('an image comes from a web address straight to the card', { skip }, async (t) => {
  const image = sampleImage(testFolder(t))
  const bytes = readFileSync(image)
  const server = await imageServer(t, (request, response) => {
    if (request.url === '/card.img') response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes)
    else notFound(response)
  })
  const card = usedCard(t)
  const { code, stderr } = await runCli(['flash', `${server}/card.img`, card.path, '--yes', '--allow-virtual'])
  assert.equal(code, 0, stderr)
  assert.equal(difference(image, card.path), null)
})

// It is asked six times more, with growing pauses, to go on where it broke; that makes this the slowest test of its file.
test('a server that stops half-way and never comes back fails, and the card is not called finished', { skip }, async (t) => {
  const bytes = readFileSync(sampleImage(testFolder(t)))
  let asked = 0
  const server = await imageServer(t, (request, response) => {
    if (request.url !== '/card.img') return notFound(response)
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start >= bytes.length / 2) {
      asked += 1
      response.destroy()
      return
    }
    const range = { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
    const head = { 'Content-Length': bytes.length - start, 'Accept-Ranges': 'bytes', ETag: '"one"' }
    response.writeHead(request.headers.range ? 206 : 200, request.headers.range ? { ...head, ...range } : head)
    response.write(bytes.subarray(start, bytes.length / 2), () => response.destroy())
  })
  await flashBad(t, `${server}/card.img`, [], { exitCode: 1, code: 'url-interrupted', target: 'unfinished' })
  assert.ok(asked > 1, 'it was asked to go on')
})

test('a server that promises more than it sends, or sends another length, fails', { skip }, async (t) => {
  const bytes = readFileSync(sampleImage(testFolder(t)))
  const server = await imageServer(t, (request, response) => {
    if (request.url !== '/card.img') return notFound(response)
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const promised = bytes.length + 1_000_000
    if (start >= bytes.length) return response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end()
    const head = request.headers.range ? { 'Content-Range': `bytes ${start}-${promised - 1}/${promised}` } : {}
    response.writeHead(request.headers.range ? 206 : 200, {
      ...head,
      'Content-Length': promised - start,
      'Accept-Ranges': 'bytes',
      ETag: '"1"',
    })
    response.write(bytes.subarray(start), () => response.destroy())
  })
  const ran = await flashBad(t, `${server}/card.img`, [], { exitCode: 4, code: /^url-(length|changed)$/, target: 'unfinished' })
  assert.match(ran.stderr, /length|changed/)
})

test('a server that leads on for ever, or to nowhere, is refused before anything is written', { skip }, async (t) => {
  const server = await imageServer(t, (request, response) => {
    const round = Number(request.url?.match(/round=(\d+)/)?.[1] ?? 0)
    if (request.url?.startsWith('/nowhere')) response.writeHead(302, { Location: 'file:///etc/passwd' }).end()
    else response.writeHead(302, { Location: `/card.img?round=${round + 1}` }).end()
  })
  await flashBad(t, `${server}/card.img`, [], { exitCode: 1, code: 'url-redirects', target: 'untouched' })
  await flashBad(t, `${server}/nowhere.img`, [], { exitCode: 1, code: /^url-/, target: 'untouched' })
})

test('an address with nothing behind it is named, and nothing is written', { skip }, async (t) => {
  const server = await imageServer(t, (_request, response) => notFound(response))
  await flashBad(t, `${server}/card.img`, [], { exitCode: 1, code: 'url-not-found', target: 'untouched' })
})
