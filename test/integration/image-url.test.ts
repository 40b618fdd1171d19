import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { readBmap } from '../../native-helpers/imaging/bmap.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import { askedRange, imageServer, sendFile } from '../support/image-server.ts'
import { mixedBytes, packed, readStream, scratchFolder, sha256 } from '../support/packed-images.ts'

const network = { answerMs: 1500, stallMs: 700, retries: 3, backoffMs: 10, maxBackoffMs: 40, redirects: 5, sidecarsMs: 2000 }
const options = { blockBytes: 256 * 1024, slots: 4, network }
const image = mixedBytes(6_000_000)

async function read(location: string, more: object = {}, member?: string) {
  const facts = await probeImage(member === undefined ? { location } : { location, member }, undefined, network)
  return { facts, ...(await readStream(facts, { ...options, ...more })) }
}

function zip(t: TestContext, names: Record<string, Buffer>): Buffer {
  const folder = scratchFolder(t)
  for (const [name, bytes] of Object.entries(names)) fs.writeFileSync(path.join(folder, name), bytes)
  execFileSync('python3', ['-m', 'zipfile', '-c', 'archive.zip', ...Object.keys(names)], { cwd: folder })
  return fs.readFileSync(path.join(folder, 'archive.zip'))
}

test('every format is streamed from a server, with its length and its checksums', async (t) => {
  const files: Record<string, Buffer> = {
    'raw.img': image,
    'a.gz': packed('gzip', [], image),
    'a.bz2': packed('bzip2', [], image),
    'a.xz': packed('xz', ['-0', '-T2', '--block-size=1MiB'], image),
    'a.zst': packed('zstd', [], image),
    'a.zip': zip(t, { 'system.img': image, 'readme.txt': image.subarray(0, 2000) }),
  }
  const origin = await imageServer(t, (request, response) => {
    const file = files[(request.url ?? '').slice(1)]
    if (file === undefined) response.writeHead(404).end()
    else sendFile(request, response, file)
  })
  for (const [name, file] of Object.entries(files)) {
    const got = await read(`${origin}/${name}`, { digests: { file: ['sha256', 'md5'], content: ['sha256'] } })
    assert.equal(sha256(got.content), sha256(image), name)
    assert.equal(got.facts.name, name)
    assert.equal(got.facts.storedBytes, file.length)
    assert.equal(got.facts.contentBytes, ['raw.img', 'a.xz', 'a.zip'].includes(name) ? image.length : null, name)
    assert.deepEqual(got.digests, {
      file: { sha256: sha256(file), md5: createHash('md5').update(file).digest('hex') },
      content: { sha256: sha256(image), md5: null },
    })
  }
})

test('a download goes on where its connection broke', async (t) => {
  const file = packed('gzip', [], image)
  let broken = 0
  const origin = await imageServer(t, (request, response) => {
    const range = askedRange(request, file.length)
    if (request.url !== '/a.gz') response.writeHead(404).end()
    else if (range !== null && range.end < file.length) sendFile(request, response, file)
    else if (broken < 5) {
      broken++
      const start = range?.start ?? 0
      response.writeHead(range === null ? 200 : 206, {
        'Content-Length': file.length - start,
        ...(range === null ? {} : { 'Content-Range': `bytes ${start}-${file.length - 1}/${file.length}` }),
        ETag: '"one"',
      })
      response.write(file.subarray(start, start + 100_000), () => setTimeout(() => response.destroy(), 20))
    } else sendFile(request, response, file)
  })
  const got = await read(`${origin}/a.gz`, { digests: { file: ['sha256'] } })
  assert.equal(sha256(got.content), sha256(image))
  assert.equal(got.digests.file.sha256, sha256(file))
  assert.equal(broken, 5)
})

/** Sends half of the file once, and then what `after` says. */
async function halfway(t: TestContext, file: Buffer, after: Parameters<typeof imageServer>[1]): Promise<string> {
  let halves = 0
  return imageServer(t, (request, response) => {
    const range = askedRange(request, file.length)
    if (request.url !== '/a.img') response.writeHead(404).end()
    else if (range?.start === 0) sendFile(request, response, file)
    else if (halves++ < 2) {
      // Once for the look at the beginning, once for the whole.
      response.writeHead(200, { 'Content-Length': file.length, ETag: '"one"' })
      response.write(file.subarray(0, file.length / 2), () => setTimeout(() => response.destroy(), 50))
    } else after(request, response)
  })
}

test('a server that ignores ranges is read from the beginning again when the file is known to be the same', async (t) => {
  const origin = await halfway(t, image, (_request, response) => {
    response.writeHead(200, { 'Content-Length': image.length, ETag: '"one"' }).end(image)
  })
  assert.equal(sha256((await read(`${origin}/a.img`)).content), sha256(image))
})

test('a file that changed on the server meanwhile is named', async (t) => {
  const origin = await halfway(t, image, (request, response) => sendFile(request, response, image, '"two"'))
  await assert.rejects(read(`${origin}/a.img`), { code: 'url-changed', kind: 'data' })
})

test('a server that stops half-way for good is named after a bounded number of tries', async (t) => {
  let tries = 0
  const origin = await halfway(t, image, (_request, response) => {
    tries++
    response.destroy()
  })
  await assert.rejects(read(`${origin}/a.img`), { code: 'url-interrupted', kind: 'failed' })
  // The look at the beginning may have come so far, too.
  assert.ok(tries >= network.retries && tries <= 2 * network.retries, `${tries} tries`)
})

test('a server that announces more than it has is named', async (t) => {
  const origin = await imageServer(t, (request, response) => {
    const range = askedRange(request, image.length)
    if (request.url !== '/a.img') response.writeHead(404).end()
    else if (range?.start === 0) sendFile(request, response, image)
    else if (range !== null) response.writeHead(416, { 'Content-Range': `bytes */${image.length / 2}` }).end()
    else {
      response.writeHead(200, { 'Content-Length': image.length, ETag: '"one"' })
      response.write(image.subarray(0, image.length / 2), () => setTimeout(() => response.destroy(), 50))
    }
  })
  await assert.rejects(read(`${origin}/a.img`), { code: 'url-length', kind: 'data' })
})

test('a server that announces less than the image needs ends in a truncated image', async (t) => {
  const file = packed('gzip', [], image)
  const origin = await imageServer(t, (request, response) => {
    if (request.url !== '/a.gz') response.writeHead(404).end()
    else sendFile(request, response, file.subarray(0, file.length - 1000))
  })
  await assert.rejects(read(`${origin}/a.gz`), { code: 'image-truncated', kind: 'data' })
})

test('a server that falls silent is named, in the beginning and in the middle', async (t) => {
  const origin = await imageServer(t, (request, response) => {
    if (request.url === '/silent') return
    if (request.url !== '/a.img') {
      response.writeHead(404).end()
      return
    }
    const range = askedRange(request, image.length)
    if (range !== null && range.end < image.length) sendFile(request, response, image)
    else {
      response.writeHead(200, { 'Content-Length': image.length, ETag: '"one"' })
      response.write(image.subarray(0, 300_000))
    }
  })
  await assert.rejects(read(`${origin}/silent`), { code: 'url-timeout' })
  await assert.rejects(read(`${origin}/a.img`), { code: 'url-stalled' })
})

test('redirects are followed, but not for ever and not from https to http', async (t) => {
  const origin = await imageServer(t, (request, response) => {
    const to = { '/loop': '/loop', '/once': '/a.img', '/mail': 'mailto:somebody', '/nowhere': '' }[request.url ?? '']
    if (request.url === '/a.img') sendFile(request, response, image)
    else if (to === undefined) response.writeHead(404).end()
    else response.writeHead(302, to === '' ? {} : { Location: to }).end()
  })
  assert.equal(sha256((await read(`${origin}/once`)).content), sha256(image))
  await assert.rejects(read(`${origin}/loop`), { code: 'url-redirects' })
  await assert.rejects(read(`${origin}/mail`), { code: 'url-redirect-target' })
  await assert.rejects(read(`${origin}/nowhere`), { code: 'url-redirect-target' })
})

test('a certificate that nobody vouches for is named, and so is a way from https to http', async (t) => {
  const folder = scratchFolder(t)
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key', '-out', 'cert', ...subject],
    {
      cwd: folder,
      stdio: 'ignore',
    },
  )
  const [key, cert] = ['key', 'cert'].map((name) => fs.readFileSync(path.join(folder, name)))
  const server = https.createServer({ key, cert }, (_request, response) => {
    response.writeHead(302, { Location: 'http://127.0.0.1:9/a.img' }).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  const location = `https://127.0.0.1:${(server.address() as AddressInfo).port}/a.img`
  await assert.rejects(read(location), { code: 'url-tls', kind: 'failed' })
  // A process that trusts this certificate meets the redirect behind it.
  const script = `import { probeImage } from ${JSON.stringify(new URL('../../native-helpers/imaging/probe.ts', import.meta.url).href)}
    await probeImage({ location: ${JSON.stringify(location)} }).catch((thrown) => console.log(thrown.code, thrown.kind))`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: path.join(folder, 'cert') }
  const child = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
  assert.equal(child.stdout.trim(), 'url-downgraded refused')
})

test('addresses that lead nowhere are named', async (t) => {
  const origin = await imageServer(t, (request, response) => {
    response.writeHead(Number((request.url ?? '').slice(1)) || 404).end()
  })
  await assert.rejects(read(`${origin}/404`), { code: 'url-not-found' })
  await assert.rejects(read(`${origin}/403`), { code: 'url-forbidden' })
  await assert.rejects(read(`${origin}/503`), { code: 'url-server' })
  await assert.rejects(read(`${origin}/418`), { code: 'url-status' })
  await assert.rejects(read('http://host.invalid/a.img'), { code: 'url-host' })
  await assert.rejects(read('http://'), { code: 'url-invalid', kind: 'usage' })
  await assert.rejects(read('http://127.0.0.1:9/a.img'), { code: 'url-refused' })
  const other = net.createServer((socket) => socket.end('SSH-2.0-something else\r\n'))
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => other.close())
  await assert.rejects(read(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`), { code: 'url-garbled' })
})

test('a zip on a server that sends no parts is refused by name', async (t) => {
  const file = zip(t, { 'system.img': image })
  const origin = await imageServer(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': file.length }).end(file)
  })
  await assert.rejects(read(`${origin}/a.zip`), { code: 'url-no-ranges' })
})

test('a download without a length is read to its end', async (t) => {
  const file = packed('xz', ['-0'], image)
  const origin = await imageServer(t, (request, response) => {
    if (request.url !== '/a.xz') response.writeHead(404).end()
    else response.writeHead(200).end(file)
  })
  const { facts, content } = await read(`${origin}/a.xz`)
  assert.equal(sha256(content), sha256(image))
  assert.equal(facts.contentBytes, null)
})

test('checksums and a block map beside an image on a server are found, and a page for everything is not one', async (t) => {
  const file = packed('xz', ['-0'], image)
  const map = `<?xml version="1.0" ?><bmap version="1.3"><ImageSize> ${image.length} </ImageSize></bmap>`
  const sums: Record<string, string> = {
    '/folder/card.bmap': map,
    '/folder/card.img.xz.sha256': `${sha256(file)}  card.img.xz\n`,
    '/folder/MD5SUMS': `${'0'.repeat(32)}  another.img.xz\n${createHash('md5').update(image).digest('hex')} *card.img\n`,
  }
  const origin = await imageServer(t, (request, response) => {
    const at = new URL(request.url ?? '', 'http://x').pathname
    if (at === '/folder/card.img.xz') sendFile(request, response, file)
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end(sums[at] ?? '<html>Not found</html>')
  })
  const facts = await probeImage({ location: `${origin}/folder/card.img.xz?token=1` }, undefined, network)
  assert.deepEqual(facts.sums, [
    { algorithm: 'sha256', value: sha256(file), of: 'file', from: 'card.img.xz.sha256' },
    { algorithm: 'md5', value: createHash('md5').update(image).digest('hex'), of: 'content', from: 'MD5SUMS' },
  ])
  assert.equal(facts.bmap, `${origin}/folder/card.bmap`)
  // This one lacks nearly everything, but it was fetched and read.
  await assert.rejects(readBmap(facts.bmap ?? ''), { code: 'bmap-damaged' })
})
