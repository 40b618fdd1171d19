import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkInitrd } from '../../native-helpers/volumes/initrd.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const needs = missingTools('cpio', 'zstd', 'xz', 'lz4', 'bzip2')
const release = '6.1.0-50-arm64'

/** Microcode, and the archive itself, as cpio(1) makes them. */
function archives(folder: string): { early: Buffer; main: Buffer; entries: number } {
  const early = join(folder, 'early')
  const main = join(folder, 'main')
  mkdirSync(join(early, 'kernel', 'x86', 'microcode'), { recursive: true })
  writeFileSync(join(early, 'kernel', 'x86', 'microcode', 'AuthenticAMD.bin'), noise(60_001, 3))
  const modules = join(main, 'usr', 'lib', 'modules', release, 'kernel')
  mkdirSync(modules, { recursive: true })
  writeFileSync(join(main, 'init'), '#!/bin/sh\n')
  for (let at = 0; at < 300; at += 1) writeFileSync(join(modules, `module-${at}.ko`), `${at} `.repeat(at * 20))
  writeFileSync(join(modules, 'noise.ko'), noise(1_500_000, 5))
  const packed = (path: string) =>
    tool('sh', ['-c', 'cd "$1" && find . | sort | cpio --quiet -H newc -o > "$2"', 'sh', path, `${path}.cpio`])
  for (const path of [early, main]) packed(path)
  const listed = tool('sh', ['-c', 'cpio --quiet -t < "$1"', 'sh', `${main}.cpio`])
  return {
    early: readFileSync(`${early}.cpio`),
    main: readFileSync(`${main}.cpio`),
    entries: listed.split('\n').filter(Boolean).length,
  }
}

function packedBy(folder: string, command: string, content: Uint8Array): Buffer {
  writeFileSync(join(folder, 'plain'), content)
  tool('sh', ['-c', `${command} < "$1" > "$2"`, 'sh', join(folder, 'plain'), join(folder, 'packed')])
  return readFileSync(join(folder, 'packed'))
}

const commands = [
  ['gzip', 'gzip -c'],
  ['zstd', 'zstd -qc'],
  ['xz', 'xz --check=crc32 -0c'],
  ['lzma', 'xz --format=lzma -0c'],
  ['lz4', 'lz4 -lqc'],
  ['bzip2', 'bzip2 -c'],
] as const

for (const [packing, command] of commands) {
  test(`an initrd packed by ${packing} is known, and told from one that is cut off`, { skip: needs ?? false }, async (t) => {
    const folder = testFolder(t)
    const { early, main, entries } = archives(folder)
    const packed = packedBy(folder, command, main)
    for (const [front, padding] of [
      [Buffer.alloc(0), 0],
      [early, 0],
      [early, 1000],
    ] as const) {
      const device = memoryDevice(Buffer.concat([front, packed, Buffer.alloc(padding)]))
      const quick = (await checkInitrd(device)).value
      assert.deepEqual([quick?.packing, quick?.mainStart, quick?.hasMicrocode], [packing, front.length, front.length > 0])
      assert.deepEqual([quick?.end, quick?.entries, quick?.problems], ['likely', null, []])
      const whole = (await checkInitrd(device, { thorough: true })).value
      assert.deepEqual([whole?.end, whole?.problems, whole?.moduleVersions], ['whole', [], [release]])
      assert.equal(whole?.entries, entries + (front.length > 0 ? 5 : 0))
    }
    const cut = memoryDevice(Buffer.concat([early, packed.subarray(0, packed.length * 0.7)]))
    const found = (await checkInitrd(cut, { thorough: true })).value
    assert.deepEqual([found?.end, found?.problems[0]?.code], ['cut-off', 'initrd-cut-off'])
    // The end of lzma has nothing that could be known again.
    if (packing !== 'lzma') assert.equal((await checkInitrd(cut)).value?.end, 'cut-off')
  })
}

test('an initrd that is not packed is walked, however long its contents are', { skip: needs ?? false }, async (t) => {
  const { early, main, entries } = archives(testFolder(t))
  const content = Buffer.concat([early, main])
  let readBytes = 0
  const inner = memoryDevice(content)
  const counting = {
    ...inner,
    readSync(into: Uint8Array, offset: number) {
      readBytes += into.length
      inner.readSync(into, offset)
    },
  }
  const { value } = await checkInitrd(counting)
  assert.deepEqual([value?.packing, value?.mainStart, value?.end], [null, early.length, 'whole'])
  assert.deepEqual([value?.entries, value?.moduleVersions, value?.hasMicrocode], [entries + 5, [release], true])
  assert.ok(readBytes < content.length, `${readBytes} bytes were read`)
  const cut = (await checkInitrd(memoryDevice(content.subarray(0, content.length - 1_500_000)))).value
  assert.deepEqual([cut?.end, cut?.problems[0]?.code], ['cut-off', 'initrd-cut-off'])
})

test('a gzip that was cut off is found at a quick look, wherever it was cut', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const packed = packedBy(folder, 'gzip -1c', archives(folder).early)
  for (let at = 1; at <= 300; at += 1) {
    const { value } = await checkInitrd(memoryDevice(packed.subarray(0, packed.length - at * 7)))
    assert.equal(value?.end, 'cut-off', `${at * 7} bytes less`)
  }
})

test('an archive that was cut off before it was packed is found by unpacking', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const { early } = archives(folder)
  const packed = memoryDevice(packedBy(folder, 'gzip -c', early.subarray(0, 100 * 512)))
  assert.equal((await checkInitrd(packed)).value?.end, 'likely')
  const found = (await checkInitrd(packed, { thorough: true })).value
  assert.deepEqual([found?.end, found?.problems[0]?.code], ['cut-off', 'initrd-cut-off'])
})

test('a changed byte is found where the packing has a checksum', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const { main } = archives(folder)
  for (const command of ['gzip -c', 'zstd -qc', 'xz --check=crc32 -0c', 'bzip2 -c']) {
    const packed = packedBy(folder, command, main)
    const at = Math.floor(packed.length * 0.6)
    packed[at] = (packed[at] ?? 0) ^ 0x10
    const found = (await checkInitrd(memoryDevice(packed), { thorough: true })).value
    assert.deepEqual([found?.end, found?.problems[0]?.code], ['damaged', 'initrd-damaged'], command)
  }
})

test('several packed parts behind each other are all looked at, and junk between them is found', {
  skip: needs ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const { early, main, entries } = archives(folder)
  const filled = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  const one = filled(packedBy(folder, 'gzip -c', main))
  const two = filled(packedBy(folder, 'zstd -qc', main))
  const all = Buffer.concat([early, one, early, two])
  const found = (await checkInitrd(memoryDevice(all), { thorough: true })).value
  assert.deepEqual([found?.end, found?.packing, found?.entries], ['whole', 'zstd', 2 * entries + 10])
  const junk = Buffer.concat([one, Buffer.from('junk'), two])
  const broken = (await checkInitrd(memoryDevice(junk), { thorough: true })).value
  assert.deepEqual([broken?.end, broken?.problems[0]?.code], ['damaged', 'initrd-damaged'])
})

test('what Linux would not take is refused with the reason', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const { main } = archives(folder)
  const refused = async (bytes: Uint8Array) => (await checkInitrd(memoryDevice(bytes))).problem
  assert.equal((await refused(Buffer.alloc(0)))?.code, 'initrd-empty')
  assert.equal((await refused(Buffer.alloc(70_000)))?.code, 'initrd-empty')
  assert.equal((await refused(noise(10_000)))?.code, 'initrd-none')
  const frame = await refused(packedBy(folder, 'lz4 -qc', main))
  assert.ok(frame?.code === 'initrd-none' && frame.detail.includes('lz4 -l'))
})
