/** Folders of a volume as tar archives and back: against GNU tar, Python and the kernel's view. */
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readFileSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { packTar, type TarCount, unpackTar } from '../../native-helpers/volumes/ext-tar.ts'
import { ExtFiles, rootInode } from '../../native-helpers/wasm/ext-files.ts'
import { ExtWriter } from '../../native-helpers/wasm/ext-writer.ts'
import { type FileFacts, kernelFacts, type Left, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const mebibyte = 1024 * 1024
const needed = () => cannotWasm('mke2fs', 'e2fsck', 'tar', 'python3', 'getfattr', 'setfattr', 'setfacl', 'setcap') ?? cannotMount()

function emptyVolume(t: TestContext): string {
  const image = join(testFolder(t), 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, 192 * mebibyte)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-N', '8192', image])
  return image
}

function pack(image: string, archive: string): TarCount {
  const device = openFileDevice({ path: image, writable: false })
  const files = new ExtFiles(device)
  const count: TarCount = { entries: 0, bytes: 0, left: [] }
  const out = openSync(archive, 'w')
  for (const bytes of packTar(files, rootInode, count)) writeSync(out, bytes)
  closeSync(out)
  files.close()
  device.close()
  return count
}

function unpack(image: string, archive: string): TarCount {
  const device = openFileDevice({ path: image, writable: true })
  const writer = new ExtWriter(device)
  try {
    return unpackTar(writer, rootInode, chunksOf(archive))
  } finally {
    writer.close()
    device.close()
  }
}

/** Of an odd length, so that nothing falls together with the blocks of the archive. */
function* chunksOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(70_001)
  try {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) yield buffer.subarray(0, count)
  } finally {
    closeSync(file)
  }
}

/** No archive holds sockets; where a tree was unpacked, its folders may take other room. */
function comparable(facts: Map<string, FileFacts>): Map<string, FileFacts> {
  return new Map(
    [...facts]
      .filter(([path, { kind }]) => kind !== 'socket' && !path.startsWith('./lost+found'))
      .map(([path, fact]) => [path, fact.kind === 'folder' ? { ...fact, allocatedBytes: 0 } : fact]),
  )
}

test('a volume goes into an archive and comes back with nothing lost', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = emptyVolume(t)
  mounted(image, 'rw', (folder) => writeRichTree(folder, { wideTimes: true, reserves: false }))
  const archive = join(testFolder(t), 'all.tar')
  const count = pack(image, archive)
  assert.deepEqual(count.left, ['./socket: socket'])
  const back = emptyVolume(t)
  assert.deepEqual(unpack(back, archive).left, [])
  tool('e2fsck', ['-f', '-n', back])
  const [before, after] = [image, back].map((path) => comparable(mounted(path, 'ro,noatime', kernelFacts)))
  assert.ok(before && after && before.size > 700)
  assert.deepEqual(treeDifferences(before, after), [])
  // Again over what is there: all is replaced, nothing is left over.
  unpack(back, archive)
  tool('e2fsck', ['-f', '-n', back])
  assert.deepEqual(treeDifferences(before, comparable(mounted(back, 'ro,noatime', kernelFacts))), [])
})

test('GNU tar and Python read our archives', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = emptyVolume(t)
  mounted(image, 'rw', (folder) => writeRichTree(folder, { wideTimes: true, reserves: false }))
  const archive = join(testFolder(t), 'all.tar')
  const count = pack(image, archive)
  const back = emptyVolume(t)
  mounted(back, 'rw', (folder) =>
    tool('tar', [
      '--extract',
      '--file',
      archive,
      '--numeric-owner',
      '--preserve-permissions',
      '--xattrs',
      '--xattrs-include=*',
      '--directory',
      folder,
    ]),
  )
  const [before, after] = [image, back].map((path) => comparable(mounted(path, 'ro,noatime', kernelFacts)))
  assert.ok(before && after)
  // GNU tar restores no access times.
  const left: Left = ['accessed', 'allocatedBytes']
  assert.deepEqual(treeDifferences(before, after, left), [])
  assert.ok((after.get('./sparse')?.allocatedBytes ?? Number.POSITIVE_INFINITY) < 200_000)
  const python = 'import sys, tarfile\nwith tarfile.open(sys.argv[1]) as t: print(len(t.getmembers()))'
  assert.equal(Number(tool('python3', ['-c', python, archive])), count.entries)
})

for (const format of ['posix', 'gnu'])
  test(`an archive of GNU tar is unpacked: --format=${format}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = emptyVolume(t)
    const archive = join(testFolder(t), 'theirs.tar')
    const options = format === 'posix' ? ['--format=posix', '--sparse', '--xattrs', '--xattrs-include=*'] : ['--format=gnu']
    mounted(image, 'rw', (folder) => {
      writeRichTree(folder, { wideTimes: format === 'posix', reserves: false })
      tool('tar', [
        '--create',
        '--file',
        archive,
        '--numeric-owner',
        ...options,
        '--exclude=./lost+found',
        '--directory',
        folder,
        '.',
      ])
    })
    const back = emptyVolume(t)
    unpack(back, archive)
    tool('e2fsck', ['-f', '-n', back])
    const [before, after] = [image, back].map((path) => comparable(mounted(path, 'ro,noatime', kernelFacts)))
    assert.ok(before && after)
    const left: Left = format === 'posix' ? ['accessed', 'allocatedBytes'] : ['accessed', 'allocatedBytes', 'modified', 'xattrs']
    assert.deepEqual(treeDifferences(before, after, left), [])
  })

test('an archive that leads out of itself, or is damaged, is refused', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = emptyVolume(t)
  const folder = testFolder(t)
  const inside = join(folder, 'inside')
  mkdirSync(inside)
  writeFileSync(join(inside, 'file'), 'x'.repeat(2000))
  const make = (name: string, ...args: string[]) => {
    const archive = join(folder, name)
    tool('tar', ['--create', '--file', archive, '--directory', inside, '--absolute-names', ...args, 'file'])
    return archive
  }
  const up = make('up.tar', '--transform=s,^,a/../../,')
  assert.throws(() => unpack(image, up), { code: 'tar-leads-out' })
  tool('ln', ['-s', '/', join(inside, 'to')])
  const throughLink = join(folder, 'link.tar')
  tool('tar', ['--create', '--file', throughLink, '--directory', inside, 'to'])
  tool('tar', ['--append', '--file', throughLink, '--directory', inside, '--transform=s,^,to/,', 'file'])
  assert.throws(() => unpack(image, throughLink), { code: 'tar-leads-out' })
  const plain = readFileSync(make('plain.tar'))
  const damage = (name: string, change: (bytes: Buffer) => Uint8Array) => {
    const archive = join(folder, name)
    writeFileSync(archive, change(Buffer.from(plain)))
    return archive
  }
  assert.throws(
    () =>
      unpack(
        image,
        damage('cut.tar', (bytes) => bytes.subarray(0, 1500)),
      ),
    { code: 'tar-damaged' },
  )
  assert.throws(
    () =>
      unpack(
        image,
        damage('sum.tar', (bytes) => bytes.fill(0x37, 100, 101)),
      ),
    { code: 'tar-damaged' },
  )
  tool('e2fsck', ['-f', '-n', image])
})
