/** Files of ext volumes as our own reader sees them, against the kernel's view of the same volume. */
import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { nodeFacts } from '../support/ext-node-facts.ts'
import { kernelFacts, type Left, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 * 1024

interface Kind {
  options: string[]
  sizeMiB?: number
  wideTimes?: boolean
  reserves?: boolean
}

/** What mke2fs can make, and the kernel mount. */
const kinds: Record<string, Kind> = {
  'ext4 as mke2fs makes it': { options: ['-t', 'ext4'] },
  'ext4 with blocks of 1 KiB in groups that describe themselves': {
    options: ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode'],
  },
  'ext4 without 64-bit numbers, checksums and flexible groups': {
    options: ['-t', 'ext4', '-b', '2048', '-O', '^64bit,^metadata_csum,uninit_bg,^flex_bg,^huge_file'],
  },
  'ext4 with small files and folders in their inodes': { options: ['-t', 'ext4', '-O', 'inline_data', '-I', '512'] },
  'ext4 with large attributes in inodes of their own': { options: ['-t', 'ext4', '-O', 'ea_inode', '-b', '1024'] },
  'ext4 with clusters': { options: ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536'], sizeMiB: 512 },
  'ext4 with block maps': { options: ['-t', 'ext4', '-O', '^extent,^64bit', '-b', '4096'], reserves: false },
  'ext4 with two copies of its superblock and large folders': { options: ['-t', 'ext4', '-O', 'sparse_super2,large_dir'] },
  ext3: { options: ['-t', 'ext3', '-b', '1024', '-I', '256'], reserves: false },
  'ext2 with inodes of 128 bytes': { options: ['-t', 'ext2', '-b', '1024', '-I', '128'], wideTimes: false, reserves: false },
  'ext2 of the first revision': {
    options: ['-t', 'ext2', '-r', '0', '-b', '4096', '-O', 'none'],
    wideTimes: false,
    reserves: false,
  },
}

function emptyVolume(t: TestContext, options: readonly string[], sizeMiB = 192): string {
  const image = join(testFolder(t), 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * mebibyte)
  tool('mke2fs', ['-q', '-F', '-N', '8192', ...options, image])
  return image
}

function opened(t: TestContext, image: string) {
  const device = openFileDevice({ path: image, writable: false })
  t.after(() => device.close())
  const { value, problem } = openExt(device)
  return value ?? assert.fail(problem?.detail)
}

const needed = () => missingTools('mke2fs', 'getfattr', 'setfattr', 'setfacl', 'setcap', 'fallocate', 'python3') ?? cannotMount()

for (const [name, { options, sizeMiB, wideTimes = true, reserves = true }] of Object.entries(kinds)) {
  test(`every file is what the kernel shows: ${name}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = emptyVolume(t, options, sizeMiB)
    mounted(image, 'rw', (folder) => writeRichTree(folder, { wideTimes, reserves }))
    const seen = mounted(image, 'ro', kernelFacts)
    const { tree, problems } = opened(t, image)
    // Of what stands in the inode itself the kernel says that it takes a sector.
    const left: Left = options.includes('inline_data') ? ['allocatedBytes'] : []
    assert.deepEqual(treeDifferences(seen, nodeFacts(tree), left), [])
    assert.deepEqual(problems, [])
    assert.ok(seen.size > 700)
  })
}
