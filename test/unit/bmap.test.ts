import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LivecardError } from '../../native-helpers/errors.ts'
import { type Bmap, bmapWriteMap, parseBmap, readBmap } from '../../native-helpers/imaging/bmap.ts'
import { seeded, testFolder, tool } from '../support/tools.ts'

const image = Buffer.alloc(40 * 4096 + 100)
for (let at = 0; at + 4 <= image.length; at += 4) image.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at)

interface Shape {
  version: string
  type: 'sha1' | 'sha256'
  /** Names differ between 1.3 and 2.0. */
  names: 'old' | 'new' | 'none'
}

const sha256: Shape = { version: '2.0', type: 'sha256', names: 'new' }

function rangeText(first: number, last: number, shape: Shape): string {
  const sum = createHash(shape.type)
    .update(image.subarray(first * 4096, (last + 1) * 4096))
    .digest('hex')
  const attribute = shape.names === 'none' ? '' : ` ${shape.names === 'old' ? 'sha1' : 'chksum'}="${sum}"`
  return `<Range${attribute}> ${first === last ? first : `${first}-${last}`} </Range>`
}

/** A file like bmaptool's, with ranges 0–9, 20 and 38–40 of the image above. */
function bmapText(shape: Shape, change: (text: string) => string = (text) => text): Uint8Array {
  const field = shape.names === 'old' ? 'BmapFileSHA1' : 'BmapFileChecksum'
  const zeros = '0'.repeat(shape.type === 'sha1' ? 40 : 64)
  const text = change(`<?xml version="1.0" ?>
<!-- A comment with <tags>, "quotes" & more. -->
<bmap version="${shape.version}">
    <ImageSize> ${image.length} </ImageSize>
    <BlockSize> 4096 </BlockSize>
    <BlocksCount> 41 </BlocksCount>
    <!-- Count of mapped blocks: ü -->
    <MappedBlocksCount> 14  </MappedBlocksCount>
    ${shape.names === 'new' ? `<ChecksumType> ${shape.type} </ChecksumType>` : ''}
    ${shape.names === 'none' ? '' : `<${field}> ${zeros} </${field}>`}
    <BlockMap>
        ${rangeText(0, 9, shape)}
        ${rangeText(20, 20, shape)}
        ${rangeText(38, 40, shape)}
    </BlockMap>
</bmap>
`)
  const sum = createHash(shape.type).update(text).digest('hex')
  return Buffer.from(text.replace(zeros, sum))
}

async function neededOf(bmap: Bmap, bytes: Uint8Array, blockBytes: number): Promise<[number, number][]> {
  const map = bmapWriteMap(bmap, { imageBytes: null })
  const all: [number, number][] = []
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (const { start, end } of await map.needed(at, bytes.subarray(at, at + blockBytes))) {
      const last = all.at(-1)
      if (last && last[1] === start) last[1] = end
      else all.push([start, end])
    }
  }
  await map.finish(bytes.length)
  return all
}

function codeOf(thrown: unknown): string {
  assert.ok(thrown instanceof LivecardError, String(thrown))
  return thrown.code
}

function damageOf(text: Uint8Array | string): string {
  try {
    parseBmap(typeof text === 'string' ? Buffer.from(text) : text)
  } catch (thrown) {
    return codeOf(thrown)
  }
  return 'accepted'
}

test('block maps of every version leave the same parts of an image', async () => {
  const shapes: Shape[] = [
    { version: '1.2', type: 'sha1', names: 'none' },
    { version: '1.3', type: 'sha1', names: 'old' },
    { version: '1.4', type: 'sha256', names: 'new' },
    { version: '2.0', type: 'sha1', names: 'new' },
    sha256,
  ]
  for (const shape of shapes) {
    const bmap = parseBmap(bmapText(shape))
    assert.equal(bmap.version, shape.version)
    assert.equal(bmap.imageBytes, image.length)
    assert.equal(bmap.mappedBytes, 13 * 4096 + 100)
    for (const blockBytes of [4096, 3 * 4096, 65536, 4 * 1024 * 1024]) {
      assert.deepEqual(await neededOf(bmap, image, blockBytes), [
        [0, 10 * 4096],
        [20 * 4096, 21 * 4096],
        [38 * 4096, image.length],
      ])
    }
  }
})

test('smaller blocks than a card can write are widened', async () => {
  const text = bmapText({ version: '1.2', type: 'sha1', names: 'none' }, (text) =>
    text
      .replace('<BlockSize> 4096 ', '<BlockSize> 512 ')
      .replace('<BlocksCount> 41 ', '<BlocksCount> 321 ')
      .replace('<MappedBlocksCount> 14 ', '<MappedBlocksCount> 4 ')
      .replace(/<Range>.*<\/Range>/s, '<Range>9</Range><Range>15-16</Range><Range>63</Range>'),
  )
  assert.deepEqual(await neededOf(parseBmap(text), image, 65536), [
    [4096, 12288],
    [28672, 32768],
  ])
})

test('a block map of another image is refused, at the first range that differs', async () => {
  const bmap = parseBmap(bmapText(sha256))
  const other = Buffer.from(image)
  other[20 * 4096 + 7] = 1
  for (const blockBytes of [4096, 65536, 4 * 1024 * 1024]) {
    await assert.rejects(neededOf(bmap, other, blockBytes), (thrown) => codeOf(thrown) === 'bmap-mismatch')
  }
  const unmapped = Buffer.from(image)
  unmapped[15 * 4096] = 1
  await neededOf(bmap, unmapped, 65536)
})

test('a block map for an image of another size is refused', async () => {
  const bmap = parseBmap(bmapText(sha256))
  const wrong = (thrown: unknown) => codeOf(thrown) === 'bmap-mismatch'
  assert.throws(() => bmapWriteMap(bmap, { imageBytes: image.length + 4096 }), wrong)
  await assert.rejects(neededOf(bmap, image.subarray(0, 39 * 4096), 65536), wrong)
  await assert.rejects(neededOf(bmap, Buffer.concat([image, Buffer.alloc(4096)]), 65536), wrong)
  assert.equal(bmapWriteMap(bmap, { imageBytes: image.length }).kind, 'bmap')
})

test('a damaged block map is refused by its own checksum', () => {
  const text = Buffer.from(bmapText(sha256))
  assert.equal(damageOf(text), 'accepted')
  const at = text.indexOf(' 20 <')
  text.write(' 21 <', at)
  assert.equal(damageOf(text), 'bmap-damaged')
})

test('a block map that contradicts itself is refused', () => {
  const changes: [string, (text: string) => string][] = [
    ['a range twice', (text) => text.replace(' 20 ', ' 9 ')],
    ['a range beyond the image', (text) => text.replace('38-40', '39-41')],
    ['a range backwards', (text) => text.replace('38-40', '40-38')],
    ['a range that is no number', (text) => text.replace('38-40', '38-x')],
    ['another count', (text) => text.replace('> 14 ', '> 15 ')],
    ['another number of blocks', (text) => text.replace('> 41 ', '> 42 ')],
    ['no block size', (text) => text.replace('<BlockSize> 4096 </BlockSize>', '')],
    ['a block size of zero', (text) => text.replace('<BlockSize> 4096 ', '<BlockSize> 0 ')],
    ['a huge number', (text) => text.replace(`> ${image.length} `, '> 99999999999999999999 ')],
    ['a negative number', (text) => text.replace('> 41 ', '> -41 ')],
    ['a field twice', (text) => text.replace('<BlockSize>', '<BlockSize> 4096 </BlockSize><BlockSize>')],
    ['no map', (text) => text.replaceAll('BlockMap', 'Other')],
    ['no checksum of its own', (text) => text.replace('BmapFileChecksum', 'Other').replace('/BmapFileChecksum', '/Other')],
    ['an unknown checksum', (text) => text.replace('> sha256 <', '> crc32 <')],
    ['a checksum named like a property of every object', (text) => text.replace('> sha256 <', '> constructor <')],
    ['a checksum that is not one', (text) => text.replace(/chksum="../, 'chksum="zz')],
    ['another document', (text) => text.replaceAll('bmap version', 'map version').replace('</bmap>', '</map>')],
    ['no version', (text) => text.replace('version="2.0"', '')],
  ]
  for (const [name, change] of changes) assert.equal(damageOf(bmapText(sha256, change)), 'bmap-damaged', name)
  assert.equal(damageOf(bmapText({ ...sha256, version: '3.0' })), 'bmap-version')
})

test('what is no honest XML is refused in no time', () => {
  const laughs = `<!DOCTYPE bmap [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<bmap version="2.0"><ImageSize>&b;</ImageSize></bmap>`
  const hostile: [string, string][] = [
    ['an entity bomb', laughs],
    ['a foreign entity', '<!DOCTYPE bmap [<!ENTITY x SYSTEM "file:///etc/passwd">]><bmap version="2.0">&x;</bmap>'],
    ['an entity from nowhere', '<bmap version="2.0"><ImageSize>&x;</ImageSize></bmap>'],
    ['nesting without end', '<bmap>'.repeat(2_000_000)],
    ['a tag without end', `<bmap ${'a '.repeat(2_000_000)}`],
    ['attributes without end', `<bmap ${Array.from({ length: 100_000 }, (_, index) => `a${index}="1"`).join(' ')}/>`],
    ['a comment without end', `<!--${'-'.repeat(5_000_000)}`],
    ['white space without end', `<bmap version="2.0"${' '.repeat(5_000_000)}`],
    ['brackets without end', '<'.repeat(5_000_000)],
    ['CDATA', '<bmap version="2.0"><![CDATA[x]]></bmap>'],
    ['nothing', ''],
    ['text', 'This page was not found'],
    ['a web page', '<!DOCTYPE html><html><body>Not found</body></html>'],
    ['crossed tags', '<bmap version="2.0"><a><b></a></b></bmap>'],
    ['two documents', '<bmap version="2.0"/><bmap version="2.0"/>'],
    ['half a file', '<bmap version="2.0"><ImageSize> 1'],
    ['zeros', '\0'.repeat(1_000_000)],
  ]
  const started = performance.now()
  for (const [name, text] of hostile) assert.equal(damageOf(text), 'bmap-damaged', name)
  assert.ok(performance.now() - started < 5000)
})

test('a block map with bytes changed at random is refused or read, never anything else', () => {
  const random = seeded(2026)
  const sound = [bmapText(sha256), bmapText({ version: '1.2', type: 'sha1', names: 'none' })]
  for (let round = 0; round < 2000; round += 1) {
    const text = Buffer.from(sound[round % 2] ?? '')
    for (let change = 0; change <= round % 4; change += 1) text[Math.floor(random() * text.length)] = Math.floor(random() * 256)
    assert.match(
      damageOf(text.subarray(0, random() < 0.2 ? Math.floor(random() * text.length) : undefined)),
      /^(accepted|bmap-.*)$/,
    )
  }
})

test('a block map file that is none is named', async (t) => {
  const folder = testFolder(t)
  const path = join(folder, 'image.bmap')
  writeFileSync(path, bmapText(sha256))
  assert.equal((await readBmap(path)).ranges.length, 3)
  truncateSync(path, 64 * 1024 * 1024)
  await assert.rejects(readBmap(path), (thrown) => codeOf(thrown) === 'bmap-damaged')
  mkdirSync(join(folder, 'folder.bmap'))
  tool('mkfifo', [join(folder, 'pipe.bmap')])
  for (const none of [join(folder, 'folder.bmap'), join(folder, 'absent.bmap'), join(folder, 'pipe.bmap'), '/dev/zero']) {
    await assert.rejects(readBmap(none), (thrown) => codeOf(thrown) === 'bmap-unreadable', none)
  }
})
