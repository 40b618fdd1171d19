import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { PublishedSum } from '../../native-helpers/contract.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import { mixedBytes, packed, readImage, scratchFolder, sha256 } from '../support/packed-images.ts'

const options = { blockBytes: 256 * 1024, slots: 4 }
const image = mixedBytes(3_000_000)
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

function folderWith(t: TestContext, files: Record<string, Uint8Array | string>): string {
  const folder = scratchFolder(t)
  for (const [name, bytes] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), bytes)
  return folder
}

async function sums(t: TestContext, image: string, files: Record<string, Uint8Array | string>): Promise<PublishedSum[]> {
  return (await probeImage({ location: path.join(folderWith(t, files), image) })).sums
}

test('checksums beside a packed image are told apart: of the file, of what comes out, of either', async (t) => {
  const file = packed('xz', ['-0'], image)
  const [ofFile, ofContent] = [sha256(file), sha256(image)]
  assert.deepEqual(await sums(t, 'card.img.xz', { 'card.img.xz': file, 'card.img.xz.sha256': `${ofFile}  card.img.xz\n` }), [
    { algorithm: 'sha256', value: ofFile, of: 'file', from: 'card.img.xz.sha256' },
  ])
  assert.deepEqual(await sums(t, 'card.img.xz', { 'card.img.xz': file, 'card.img.xz.sha256': `${ofContent} *card.img\n` }), [
    { algorithm: 'sha256', value: ofContent, of: 'content', from: 'card.img.xz.sha256' },
  ])
  assert.deepEqual(await sums(t, 'card.img.xz', { 'card.img.xz': file, 'card.img.xz.md5': `${md5(file)}\n` }), [
    { algorithm: 'md5', value: md5(file), of: 'either', from: 'card.img.xz.md5' },
  ])
  assert.deepEqual(await sums(t, 'card.img.xz', { 'card.img.xz': file, 'card.img.sha256sum': ofContent }), [
    { algorithm: 'sha256', value: ofContent, of: 'content', from: 'card.img.sha256sum' },
  ])
})

test('of a list only the lines of this image count', async (t) => {
  const list = `${sha256(image)}  other.img\n${'a'.repeat(64)}  card.img.gz\n${'b'.repeat(64)}  card.img\n`
  assert.deepEqual(await sums(t, 'card.img.gz', { 'card.img.gz': packed('gzip', [], image), SHA256SUMS: list }), [
    { algorithm: 'sha256', value: 'a'.repeat(64), of: 'file', from: 'SHA256SUMS' },
    { algorithm: 'sha256', value: 'b'.repeat(64), of: 'content', from: 'SHA256SUMS' },
  ])
})

test('a sum beside an image that was renamed since still counts, several do not', async (t) => {
  const value = sha256(image)
  assert.deepEqual(await sums(t, 'mine.img', { 'mine.img': image, 'mine.img.sha256': `${value}  release-7.img\n` }), [
    { algorithm: 'sha256', value, of: 'file', from: 'mine.img.sha256' },
  ])
  assert.deepEqual(await sums(t, 'mine.img', { 'mine.img': image, 'mine.img.sha256': `${value}  a.img\n${value}  b.img\n` }), [])
})

test('a block map is found by each of its names, and only when it is one', async (t) => {
  const map = '<?xml version="1.0" ?>\n<bmap version="2.0"></bmap>\n'
  const file = packed('gzip', [], image)
  for (const name of ['card.img.gz.bmap', 'card.img.bmap', 'card.bmap']) {
    const folder = folderWith(t, { 'card.img.gz': file, [name]: map })
    assert.equal((await probeImage({ location: path.join(folder, 'card.img.gz') })).bmap, path.join(folder, name))
  }
  const folder = folderWith(t, { 'card.img.gz': file, 'card.bmap': 'something else' })
  assert.equal((await probeImage({ location: path.join(folder, 'card.img.gz') })).bmap, null)
})

test('digests cover every byte of the file and of the image, whatever order the file is read in', async (t) => {
  const padding = Buffer.alloc(4096)
  const files: Record<string, Buffer> = {
    raw: image,
    gzip: Buffer.concat([packed('gzip', [], image), padding]),
    bzip2: Buffer.concat([packed('bzip2', ['-1'], image), padding]),
    xz: Buffer.concat([packed('xz', ['-0', '-T2', '--block-size=400000'], image), padding]),
    zstd: packed('zstd', [], image),
  }
  for (const [name, file] of Object.entries(files)) {
    const folder = folderWith(t, { image: file })
    const both: ('sha256' | 'md5')[] = ['sha256', 'md5']
    const { digests } = await readImage(path.join(folder, 'image'), { ...options, digests: { file: both, content: both } })
    assert.deepEqual(digests.file, { sha256: sha256(file), md5: md5(file) }, name)
    assert.deepEqual(digests.content, { sha256: sha256(image), md5: md5(image) }, name)
  }
})

test('what the first sectors show is told, also through a packing', async (t) => {
  const folder = scratchFolder(t)
  const make = (name: string, tool: string, args: string[], input = '') => {
    fs.writeFileSync(path.join(folder, name), '')
    fs.truncateSync(path.join(folder, name), 48 * 1024 * 1024)
    execFileSync(tool, [...args, path.join(folder, name)], { input, stdio: ['pipe', 'ignore', 'ignore'] })
  }
  const shows = async (name: string) => (await probeImage({ location: path.join(folder, name) })).shows
  make('mbr', 'sfdisk', [], 'label: dos\n,8M,c\n,8M,83\n')
  make('gpt', 'sfdisk', [], 'label: gpt\n,8M\n,8M\n,8M\n')
  make('ext4', 'mkfs.ext4', ['-q', '-F'])
  make('fat', 'mkfs.vfat', [])
  assert.equal(await shows('mbr'), 'MBR, 2 partitions')
  assert.equal(await shows('gpt'), 'GPT, 3 partitions')
  assert.equal(await shows('ext4'), 'ext2, ext3 or ext4')
  assert.equal(await shows('fat'), 'FAT')
  execFileSync('xz', ['-0', '-k', path.join(folder, 'gpt')])
  assert.equal(await shows('gpt.xz'), 'GPT, 3 partitions')
  const iso = Buffer.alloc(64 * 1024)
  iso.write('\u0001CD001\u0001', 32768, 'latin1')
  iso.write('LIVE 7'.padEnd(32), 32768 + 40, 'latin1')
  fs.writeFileSync(path.join(folder, 'iso'), iso)
  assert.equal(await shows('iso'), 'ISO 9660 “LIVE 7”')
  fs.writeFileSync(path.join(folder, 'noise'), mixedBytes(100_000))
  assert.equal(await shows('noise'), null)
})

test('an image that is packed twice is refused by name', async (t) => {
  const folder = folderWith(t, { twice: packed('gzip', [], packed('xz', ['-0'], image)) })
  await assert.rejects(probeImage({ location: path.join(folder, 'twice') }), { code: 'image-unsupported' })
})

test('a packed image with nothing inside is named empty', async (t) => {
  for (const tool of ['gzip', 'bzip2', 'xz', 'zstd']) {
    const folder = folderWith(t, { nothing: packed(tool, [], Buffer.alloc(0)) })
    await assert.rejects(probeImage({ location: path.join(folder, 'nothing') }), { code: 'image-empty' }, tool)
  }
})
