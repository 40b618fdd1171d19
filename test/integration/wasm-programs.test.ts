/** The programs in WebAssembly against the native ones, on the same images: exit code, words and bytes. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { ProgramName } from '../../native-helpers/wasm/modules.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { seeded, testFolder, tool } from '../support/tools.ts'
import { cannotWasm, countersAt, differences, type Range, runModule, runNative } from '../support/wasm.ts'

const mebibyte = 1024 * 1024

interface Pair {
  native: string
  wasm: string
  /** Runs both, and expects the same of them; answers the exit code. */
  both(program: ProgramName, args: readonly string[], options?: { allowed?: readonly Range[] | 'any' }): number | null
  change(how: (image: string) => void): void
}

function pairOf(t: TestContext, sizeBytes: number): Pair {
  const folder = testFolder(t)
  const [native, wasm] = ['native', 'wasm'].map((name) => join(folder, name)) as [string, string]
  const images = [native, wasm].map((inside) => {
    mkdirSync(inside)
    const image = join(inside, 'test.img')
    writeFileSync(image, '')
    truncateSync(image, sizeBytes)
    return image
  }) as [string, string]
  return {
    native,
    wasm,
    both(program, args, { allowed = [] } = {}) {
      const expected = runNative(program, args, native)
      const { result: _, ...got } = runModule(program, args, wasm)
      assert.deepEqual(got, expected, `${program} ${args.join(' ')}`)
      if (allowed !== 'any')
        assert.deepEqual(
          differences(...images, [...countersAt(superblocks(images[0])), ...allowed]),
          [],
          `bytes after ${program} ${args.join(' ')}`,
        )
      return got.code
    },
    change(how) {
      how(images[0])
      tool('cp', ['--sparse=auto', ...images])
    },
  }
}

/** All that mke2fs leaves to chance or to the size of the device. */
const fixed = [
  '-F',
  '-U',
  '11111111-2222-3333-4444-555555555555',
  '-E',
  'hash_seed=11111111-2222-3333-4444-555555555556,root_owner=0:0,nodiscard',
]

/** The numbers behind a word of dumpe2fs: "Inode table at 1234-1500". */
function places(image: string, what: string): number[] {
  return [...tool('dumpe2fs', [image]).matchAll(new RegExp(`${what} at (\\d+)`, 'g'))].map((match) => Number(match[1]))
}

/** Where a volume's superblocks begin; of one that is too damaged to tell, the first. */
function superblocks(image: string): number[] {
  try {
    const size = Number(/^Block size:\s+(\d+)/m.exec(tool('dumpe2fs', ['-h', image]))?.[1])
    return [1024, ...places(image, 'Backup superblock').map((block) => block * size)]
  } catch {
    return [1024]
  }
}

function overwrite(image: string, offset: number, bytes: Uint8Array): void {
  const device = openFileDevice({ path: image, writable: true })
  device.writeSync?.(bytes, offset)
  device.close()
}

/** By name: what is done to a volume with 300 files. */
const damages: Record<string, (image: string) => void> = {
  'zeroed bitmaps': (image) => {
    for (const block of [...places(image, 'Block bitmap'), ...places(image, 'Inode bitmap')].slice(0, 3))
      overwrite(image, block * 4096, new Uint8Array(4096))
  },
  'wrong link counts': (image) => {
    const commands = ['d0', 'd1', 'd2'].map((name, index) => `sif /${name} links_count ${index * 7 + 1}`)
    tool('debugfs', ['-w', '-f', '-', image], { input: `${commands.join('\n')}\n` })
  },
  'lost files and folders': (image) => {
    tool('debugfs', ['-w', '-f', '-', image], { input: 'unlink /d0/e0\nunlink /d1/e1\nunlink /d2\nunlink /short-link\n' })
  },
  'a broken folder': (image) => {
    const block = Number(tool('debugfs', ['-R', 'blocks /d3', image]).trim().split(/\s+/)[0])
    overwrite(image, block * 4096 + 24, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 3, 0))
  },
  'no superblock': (image) => overwrite(image, 1024, new Uint8Array(1024)),
  'a scratched inode table': (image) => {
    const start = (places(image, 'Inode table')[0] ?? 0) * 4096
    const random = seeded(7)
    for (let index = 0; index < 60; index += 1)
      overwrite(
        image,
        start + 12 * 256 + Math.floor(random() * 90_000),
        Uint8Array.of(random() * 256, random() * 256, random() * 256),
      )
  },
  'flipped bits everywhere': (image) => {
    const random = seeded(3)
    for (let index = 0; index < 150; index += 1)
      overwrite(image, 1024 + Math.floor(random() * 4 * mebibyte), Uint8Array.of(random() * 256))
  },
}

test('damaged volumes are repaired exactly as the native e2fsck repairs them', async (t) => {
  const reason = cannotWasm('e2fsck', 'mke2fs', 'debugfs', 'dumpe2fs') ?? cannotMount()
  if (reason) return t.skip(reason)
  const clean = join(testFolder(t), 'clean.img')
  writeFileSync(clean, '')
  truncateSync(clean, 160 * mebibyte)
  tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', ...fixed, clean])
  mounted(clean, 'rw', (folder) => writeSampleTree(folder, 5, { files: 300, links: true }))
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(name, (inner) => {
      const pair = pairOf(inner, 160 * mebibyte)
      pair.change((image) => {
        copyFileSync(clean, image)
        damage(image)
      })
      pair.both('e2fsck', ['-f', '-n', 'test.img'])
      assert.ok(((pair.both('e2fsck', ['-f', '-y', 'test.img']) ?? 0) & 1) === 1, 'something was repaired')
      assert.equal(pair.both('e2fsck', ['-f', '-n', 'test.img']), 0)
    })
  }
})

test('a journal is carried out as the native e2fsck does', (t) => {
  const reason = cannotWasm('e2fsck', 'mke2fs') ?? cannotMount()
  if (reason) return t.skip(reason)
  const pair = pairOf(t, 64 * mebibyte)
  pair.change((image) => {
    tool('mke2fs', ['-q', '-t', 'ext4', ...fixed, image])
    const live = `${image}.live`
    copyFileSync(image, live)
    mounted(live, 'rw', (folder) => {
      writeSampleTree(folder, 9, { files: 40, links: true })
      tool('sync', ['-f', folder])
      writeSampleTree(join(folder, 'more'), 10, { files: 10, links: false })
      // As a card is that was pulled out: the journal is written, most of what it describes is not.
      tool('sync', [join(folder, 'more')])
      copyFileSync(live, image)
    })
  })
  assert.match(tool('dumpe2fs', ['-h', join(pair.wasm, 'test.img')]), /needs_recovery/)
  pair.both('e2fsck', ['-E', 'journal_only', '-y', 'test.img'])
  pair.both('e2fsck', ['-f', '-y', 'test.img'])
  assert.equal(pair.both('e2fsck', ['-f', '-n', 'test.img']), 0)
})

test('volumes are made, tuned, described, grown and shrunk as natively', (t) => {
  const reason = cannotWasm('e2fsck', 'mke2fs', 'tune2fs', 'dumpe2fs', 'resize2fs', 'debugfs')
  if (reason) return t.skip(reason)
  const pair = pairOf(t, 512 * mebibyte)
  const sample = join(testFolder(t), 'sample')
  mkdirSync(sample)
  writeSampleTree(sample, 2, { files: 60, links: false })
  pair.both('mke2fs', ['-t', 'ext4', '-b', '4096', '-L', 'first', ...fixed, 'test.img', '100M'])
  pair.change((image) => {
    const commands = Array.from({ length: 20 }, (_, index) => `write ${sample}/d${index % 7}/e${index % 3}/f${index}.bin f${index}`)
    tool('debugfs', ['-w', '-f', '-', image], { input: `${commands.join('\n')}\n` })
  })
  pair.both('tune2fs', ['-L', 'second', '-c', '30', 'test.img'])
  pair.both('e2fsck', ['-f', '-y', 'test.img'])
  pair.both('resize2fs', ['test.img'])
  pair.both('e2fsck', ['-f', '-y', 'test.img'])
  const [expected, got] = [runNative('dumpe2fs', ['test.img'], pair.native), runModule('dumpe2fs', ['test.img'], pair.wasm)].map(
    ({ out }) =>
      // The counter, the checksum over it, and names of users, which only a machine knows.
      out.split('\n').filter((line) => !/^(Lifetime writes|Checksum|Reserved blocks [ug]id):/.test(line)),
  )
  assert.deepEqual(got, expected)
  pair.both('debugfs', ['-R', 'ls -l /', 'test.img'])
  pair.both('resize2fs', ['-P', 'test.img'])
  // The native one makes the file as short as the volume; a device cannot become shorter.
  for (const args of [
    ['test.img', '200M'],
    ['-M', 'test.img'],
  ]) {
    const expected = runNative('resize2fs', args, pair.native)
    const { result: _, ...got } = runModule('resize2fs', args, pair.wasm)
    assert.deepEqual(got, expected)
    truncateSync(join(pair.native, 'test.img'), 512 * mebibyte)
    const volume = Number(/Block count:\s+(\d+)/.exec(tool('dumpe2fs', ['-h', join(pair.wasm, 'test.img')]))?.[1]) * 4096
    truncateSync(join(pair.wasm, 'test.img'), volume)
    truncateSync(join(pair.wasm, 'test.img'), 512 * mebibyte)
    assert.equal(pair.both('e2fsck', ['-f', '-y', 'test.img']), 0)
  }
})

/**
 * emscripten's own pread and pwrite drop the upper half of an offset: there, e2fsck found its journal at a wrong place, and deleted it.
 */
test('beyond 4 GiB the right bytes are read and written', (t) => {
  const reason = cannotWasm('e2fsck', 'mke2fs', 'resize2fs', 'debugfs')
  if (reason) return t.skip(reason)
  const gibibyte = 1024 * mebibyte
  const pair = pairOf(t, 5 * gibibyte)
  const journalAt = ['-O', '^flex_bg', '-J', 'size=64,location=4608M']
  assert.equal(runNative('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', ...journalAt, ...fixed, 'test.img'], pair.native).code, 0)
  let journal = 0
  pair.change((image) => {
    journal = Number(/^\(0-\d+\):(\d+)-/m.exec(tool('debugfs', ['-R', 'stat <8>', image]))?.[1])
    assert.ok(journal * 4096 > 4 * gibibyte, `the journal stands at block ${journal}`)
    const bitmap = Math.max(...places(image, 'Block bitmap').filter((block) => block < journal))
    overwrite(image, bitmap * 4096, new Uint8Array(4096).fill(0x55))
    overwrite(image, journal * 4096 + 16, new Uint8Array(64).fill(0x55))
  })
  // The number with which a new journal begins is left to chance.
  const sequence: Range = [journal * 4096 + 24, journal * 4096 + 28]
  assert.equal(pair.both('e2fsck', ['-f', '-y', 'test.img'], { allowed: [sequence] }), 1)
  assert.equal(pair.both('e2fsck', ['-f', '-n', 'test.img'], { allowed: 'any' }), 0)
  const [features] = /features:.*/.exec(tool('dumpe2fs', ['-h', join(pair.wasm, 'test.img')])) ?? []
  assert.match(features ?? '', /has_journal/)
})
