import assert from 'node:assert/strict'
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { extContentBytes } from '../../native-helpers/volumes/ext-content.ts'
import { withFileDevice } from '../support/file-device.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { blankVolume } from '../support/volume-tools.ts'

const needs = missingTools('mke2fs') ?? cannotMount()
const kinds: string[][] = [
  ['-t', 'ext4', '-b', '4096'],
  ['-t', 'ext4', '-b', '1024'],
  ['-t', 'ext4', '-b', '4096', '-O', '64bit,metadata_csum,^resize_inode'],
  ['-t', 'ext4', '-b', '4096', '-O', 'meta_bg,^resize_inode'],
  ['-t', 'ext2', '-b', '4096'],
]

for (const kind of kinds) {
  test(`what the files of mke2fs ${kind.join(' ')} take is what the kernel counts as used`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const tree = join(folder, 'tree')
    mkdirSync(join(tree, 'a', 'b'), { recursive: true })
    for (let at = 0; at < 40; at += 1) writeFileSync(join(tree, 'a', `file ${at}`), Buffer.alloc(at * 3000, 'content'))
    const image = blankVolume(folder, 300)
    tool('mke2fs', ['-q', ...kind, '-d', tree, image])
    const ours = withFileDevice(image, 512, extContentBytes)
    // statfs leaves out what the filesystem itself is made of, its journal too.
    const { blocks, bfree, bsize } = mounted(image, kind.includes('ext2') ? 'ro' : 'ro,noload', (at) => statfsSync(at))
    assert.equal(ours, (blocks - bfree) * bsize)
  })
}
