/** Files on a volume through libext2fs in WebAssembly, against the kernel's own view of the same volume. */
import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { ExtFiles, rootInode } from '../../native-helpers/wasm/ext-files.ts'
import { ExtWriter } from '../../native-helpers/wasm/ext-writer.ts'
import { kernelFacts, type Left, moduleFacts, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const mebibyte = 1024 * 1024

const kinds: Record<string, { options: string[]; wideTimes: boolean; reserves: boolean }> = {
  'ext4 as mke2fs makes it': { options: ['-t', 'ext4'], wideTimes: true, reserves: true },
  'ext4 with small files in their inodes': {
    options: ['-t', 'ext4', '-O', 'inline_data', '-I', '512'],
    wideTimes: true,
    reserves: true,
  },
  'ext4 with large attributes in inodes of their own': {
    options: ['-t', 'ext4', '-O', 'ea_inode', '-b', '1024'],
    wideTimes: true,
    reserves: true,
  },
  'ext3 with block maps': { options: ['-t', 'ext3', '-b', '1024', '-I', '256'], wideTimes: true, reserves: false },
  'ext2 with inodes of 128 bytes': { options: ['-t', 'ext2', '-b', '1024', '-I', '128'], wideTimes: false, reserves: false },
}

function emptyVolume(t: TestContext, options: readonly string[]): string {
  const image = join(testFolder(t), 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, 192 * mebibyte)
  tool('mke2fs', ['-q', '-F', '-N', '8192', ...options, image])
  return image
}

const needed = () => cannotWasm('mke2fs', 'e2fsck', 'getfattr', 'setfattr', 'setfacl', 'setcap', 'fallocate') ?? cannotMount()

for (const [name, { options, wideTimes, reserves }] of Object.entries(kinds)) {
  test(`files are seen as the kernel sees them: ${name}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = emptyVolume(t, options)
    mounted(image, 'rw', (folder) => writeRichTree(folder, { wideTimes, reserves }))
    const seen = mounted(image, 'ro', kernelFacts)
    const device = openFileDevice({ path: image, writable: false })
    t.after(() => device.close())
    const files = new ExtFiles(device)
    // Of what stands in the inode itself the kernel says that it takes a sector.
    const left: Left = options.includes('inline_data') ? ['allocatedBytes'] : []
    assert.deepEqual(treeDifferences(seen, moduleFacts(files, rootInode), left), [])
    assert.ok(seen.size > 700)
    // Holes, and what is only reserved, are no content.
    const content = [...files.content(files.find('/sparse'))].reduce((sum, { bytes }) => sum + bytes.length, 0)
    assert.ok(content < 100_000)
    assert.deepEqual([...files.content(files.find('/only-a-hole'))], [])
    if (reserves) assert.deepEqual([...files.content(files.find('/reserved'))], [])
    // A range that spans data and holes, through the library.
    const part = new Uint8Array(20)
    assert.equal(files.read(files.find('/sparse'), 299_995, part), 20)
    assert.equal(Buffer.from(part).toString('latin1'), '\0\0\0\0\0here at 300000\0')
    assert.equal(files.find('/absolute/e0/f0.bin'), files.find('/plain/d0/e0/f0.bin'))
    assert.throws(() => files.find('/plain/none'), { code: 'ext-not-found' })
    assert.throws(() => files.find('/empty/none'), { code: 'ext-not-a-folder' })
    assert.throws(() => files.list(files.find('/empty')), { code: 'ext-not-a-folder' })
    files.close()
  })
}

test('files are made, changed and removed so that the kernel and e2fsck find nothing wrong', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = emptyVolume(t, ['-t', 'ext4'])
  mounted(image, 'rw', (folder) => writeRichTree(folder, { wideTimes: true, reserves: true }))
  const before = tool('dumpe2fs', ['-h', image])
  const device = openFileDevice({ path: image, writable: true })
  const files = new ExtWriter(device)
  const free = files.facts().freeBlocks
  // While it is being changed it says so.
  assert.match(tool('dumpe2fs', ['-h', image]), /Filesystem state:\s+not clean/)
  for (const { name } of files.list(rootInode)) if (name !== 'lost+found') files.removeTree(rootInode, name)
  const folder = files.makeFolder(rootInode, 'new')
  for (let index = 0; index < 600; index += 1) files.makeFile(folder, `a-file-with-a-rather-long-name-${index}`, { kind: 'file' })
  const file = files.makeFile(folder, 'sparse', { kind: 'file' })
  files.write(file, 3_000_000_000, Buffer.from('far'))
  files.write(file, 10, Buffer.from('near'))
  files.setSize(file, 5_000_000_000)
  files.setAttributes(file, {
    uid: 3_000_000_000,
    gid: 70_000,
    permissions: 0o4711,
    modified: { seconds: 10_000_000_000, nanoseconds: 999_999_999 },
  })
  files.setXattr(file, 'user.one', Buffer.from('1'))
  files.setXattr(file, 'user.two', Buffer.from('2'))
  files.setXattr(file, 'user.one', null)
  files.hardLink(rootInode, 'also', file)
  files.makeFile(folder, 'disk', { kind: 'block', major: 259, minor: 70_000 })
  files.makeLink(folder, 'long', 'x'.repeat(1000))
  assert.throws(() => files.makeFolder(rootInode, 'new'), { code: 'ext-exists' })
  assert.throws(() => files.remove(rootInode, 'new'), { code: 'ext-not-empty' })
  const written = moduleFacts(files, files.find('/new/disk'))
  assert.equal(written.get('.')?.device, '259:70000')
  const part = Array.from(files.content(file), ({ offset, bytes }) => [
    offset,
    Buffer.from(bytes).toString('latin1').replaceAll('\0', ''),
  ])
  assert.deepEqual(part, [
    [0, 'near'],
    [2_999_999_488, 'far'],
  ])
  files.close()
  device.close()
  tool('e2fsck', ['-f', '-n', image])
  const again = openFileDevice({ path: image, writable: false })
  t.after(() => again.close())
  const reread = new ExtFiles(again)
  assert.ok(reread.facts().freeBlocks > free)
  const seen = mounted(image, 'ro', (at) => {
    assert.equal(tool('stat', ['-c', '%s %b %u %g %a %h', join(at, 'also')]).trim(), '5000000000 4 3000000000 70000 4711 2')
    assert.equal(tool('stat', ['-c', '%.9Y', join(at, 'also')]).trim(), '10000000000.999999999')
    return tool('getfattr', ['--absolute-names', '-d', join(at, 'also')])
  })
  assert.match(seen, /user\.two="2"/)
  assert.doesNotMatch(seen, /user\.one/)
  const state = /Filesystem state:.*/
  assert.equal(state.exec(tool('dumpe2fs', ['-h', image]))?.[0], state.exec(before)?.[0])
})

test('a volume that has to be repaired first is not changed', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = emptyVolume(t, ['-t', 'ext4'])
  const device = openFileDevice({ path: image, writable: true })
  t.after(() => device.close())
  tool('debugfs', ['-w', '-R', 'ssv state 0', image])
  assert.throws(() => new ExtWriter(device), { code: 'ext-unclean' })
  tool('debugfs', ['-w', '-f', '-', image], { input: 'ssv state 1\nfeature +needs_recovery\n' })
  assert.throws(() => new ExtWriter(device), { code: 'ext-needs-recovery' })
  const files = new ExtFiles(device)
  assert.equal(files.facts().needsRecovery, true)
  assert.deepEqual(
    files.list(rootInode).map(({ name }) => name),
    ['lost+found'],
  )
})
