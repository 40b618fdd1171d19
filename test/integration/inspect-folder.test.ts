import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFolderTree } from '../../native-helpers/systems/folder-tree.ts'
import { findNode, readSmallFile, walkTree } from '../../native-helpers/volumes/tree.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { testFolder, tool } from '../support/tools.ts'

test('a folder is a tree of its files, and what leads out of it is not reached', (t) => {
  const folder = testFolder(t)
  const stick = join(folder, 'stick')
  mkdirSync(join(stick, 'LiveOS'), { recursive: true })
  writeFileSync(join(folder, 'secret'), 'secret')
  writeFileSync(join(stick, 'LiveOS', 'squashfs.img'), Buffer.alloc(100_000, 7))
  symlinkSync('LiveOS/squashfs.img', join(stick, 'inside'))
  symlinkSync('../secret', join(stick, 'outside'))
  symlinkSync('/etc', join(stick, 'etc'))
  tool('mkfifo', [join(stick, 'pipe')])
  const tree = openFolderTree(stick)
  t.after(tree.close)
  assert.equal(readSmallFile(tree, 'inside', 200_000)?.length, 100_000)
  // Both are looked for inside of the tree, where there is none.
  assert.equal(findNode(tree, 'outside'), null)
  assert.equal(readSmallFile(tree, 'etc/passwd', 1_000_000), null)
  assert.equal(findNode(tree, '../secret'), null)
  assert.equal(findNode(tree, 'pipe')?.kind, 'fifo')
  assert.equal(findNode(tree, 'pipe')?.open().problem?.code, 'folder-no-file')
  const seen: string[] = []
  assert.deepEqual(
    walkTree(tree, (path) => seen.push(path)),
    [],
  )
  assert.deepEqual(seen.sort(), ['LiveOS', 'LiveOS/squashfs.img', 'etc', 'inside', 'outside', 'pipe'])
})

test('a file or folder that is exchanged for a link meanwhile is not followed', (t) => {
  const folder = testFolder(t)
  const stick = join(folder, 'stick')
  mkdirSync(join(stick, 'a'), { recursive: true })
  mkdirSync(join(folder, 'elsewhere'))
  writeFileSync(join(folder, 'elsewhere', 'file'), 'secret')
  writeFileSync(join(stick, 'a', 'file'), 'mine')
  const tree = openFolderTree(stick)
  t.after(tree.close)
  const a = findNode(tree, 'a')
  const file = findNode(tree, 'a/file')
  assert.ok(a && file)
  renameSync(join(stick, 'a'), join(stick, 'b'))
  symlinkSync(join(folder, 'elsewhere'), join(stick, 'a'))
  assert.deepEqual([a.list().entries.length, a.list().problem?.code], [0, 'folder-outside'])
  assert.ok(file.open().problem)
})

test('another filesystem that is mounted inside of the folder does not belong to it', (t) => {
  const why = cannotMount()
  if (why) return t.skip(why)
  const stick = testFolder(t)
  const inner = join(stick, 'inner')
  mkdirSync(inner)
  tool('mount', ['-t', 'tmpfs', 'none', inner])
  try {
    writeFileSync(join(inner, 'file'), 'content')
    const tree = openFolderTree(stick)
    assert.deepEqual(findNode(tree, 'inner')?.list().entries, [])
    tree.close()
  } finally {
    tool('umount', [inner])
  }
})

test('no more than a few files are open at a time, however many are looked at', (t) => {
  const folder = testFolder(t)
  for (let index = 0; index < 200; index += 1) writeFileSync(join(folder, `file-${index}`), `content ${index}`)
  const tree = openFolderTree(folder)
  t.after(tree.close)
  const before = readdirSync('/proc/self/fd').length
  const devices = tree.root.list().entries.map((node) => ({ name: node.name, device: node.open().value }))
  assert.ok(readdirSync('/proc/self/fd').length - before < 50)
  for (const { name, device } of devices) {
    assert.ok(device)
    const bytes = new Uint8Array(device.size)
    device.readSync(bytes, 0)
    assert.equal(Buffer.from(bytes).toString(), `content ${name.slice(5)}`)
  }
  tree.close()
  assert.equal(readdirSync('/proc/self/fd').length, before)
})
