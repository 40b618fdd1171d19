import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { allocationWriteMap } from '../../native-helpers/imaging/allocation.ts'
import type { ByteRange } from '../../native-helpers/imaging/write-map.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { gapsBetween, passThrough, totalBytes, writeThrough } from '../support/map-target.ts'
import { treeContent, writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('mke2fs', 'e2fsck', 'dumpe2fs', 'resize2fs', 'debugfs') ?? cannotMount()
/** Half of the free space at least, so that a map that writes everything fails. Runs below 64 KiB are written, which costs the most with small blocks. */
const leastShareSkipped = 0.5

/** name, what mke2fs is asked for, MiB */
const kinds: [string, string[], number][] = [
  ['ext2', ['-t', 'ext2'], 100],
  ['ext2 as of revision 0', ['-t', 'ext2', '-r', '0', '-O', 'none'], 100],
  ['ext2 with 1 KiB blocks', ['-t', 'ext2', '-b', '1024'], 100],
  ['ext3', ['-t', 'ext3'], 100],
  ['ext3 with 2 KiB blocks', ['-t', 'ext3', '-b', '2048'], 100],
  ['ext4', ['-t', 'ext4'], 300],
  ['ext4 with 1 KiB blocks', ['-t', 'ext4', '-b', '1024'], 100],
  ['ext4 with 2 KiB blocks', ['-t', 'ext4', '-b', '2048'], 100],
  ['ext4 with many small groups', ['-t', 'ext4', '-b', '4096', '-g', '2048'], 200],
  ['ext4 with all bitmaps in front', ['-t', 'ext4', '-b', '1024', '-G', '64'], 100],
  ['ext4 with bitmaps in each group', ['-t', 'ext4', '-b', '1024', '-O', '^flex_bg'], 100],
  ['ext4 without 64-bit block numbers', ['-t', 'ext4', '-b', '2048', '-O', '^64bit'], 100],
  ['ext4 with descriptors in each group', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode'], 100],
  ['ext4 with descriptors and bitmaps in each group', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode,^flex_bg'], 100],
  ['ext4 with clusters', ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536'], 200],
  ['ext4 with clusters of 1 KiB blocks', ['-t', 'ext4', '-b', '1024', '-O', 'bigalloc', '-C', '16384'], 100],
  ['ext4 with two backup superblocks', ['-t', 'ext4', '-b', '1024', '-O', 'sparse_super2', '-E', 'num_backup_sb=2'], 100],
  ['ext4 with a superblock in every group', ['-t', 'ext4', '-b', '1024', '-O', '^sparse_super,^resize_inode'], 100],
  ['ext4 with inode tables left for later', ['-t', 'ext4', '-b', '1024', '-E', 'lazy_itable_init=1,lazy_journal_init=1'], 100],
  ['ext4 without a journal', ['-t', 'ext4', '-O', '^has_journal'], 100],
  ['ext4 with checksums of descriptors only', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,uninit_bg'], 100],
  ['ext4 without checksums', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,^uninit_bg'], 100],
  ['ext4 with a seed for its checksums', ['-t', 'ext4', '-b', '1024', '-O', 'metadata_csum_seed'], 100],
  ['ext4 with rarer features', ['-t', 'ext4', '-O', 'inline_data,project,large_dir,ea_inode'], 100],
]

for (const [name, options, sizeMiB] of kinds) {
  test(`skipping unused blocks keeps every file and check of ${name}`, { skip: needs ?? false }, async (t) => {
    const folder = testFolder(t)
    const image = makeImage(folder, options, sizeMiB)
    await keepsEverything(t, image, leastShareSkipped)
  })
}

test('skipping unused blocks keeps what the kernel wrote, after files came and went', { skip: needs ?? false }, async (t) => {
  const image = makeImage(testFolder(t), ['-t', 'ext4', '-b', '1024'], 100)
  mounted(image, 'rw', (inside) => {
    writeSampleTree(join(inside, 'd1'), 7, { files: 80, links: false })
    for (const gone of ['d0', 'd3', 'd5']) rmSync(join(inside, gone), { recursive: true })
    writeFileSync(join(inside, 'sparse'), 'start')
    truncateSync(join(inside, 'sparse'), 300 * MiB)
  })
  await keepsEverything(t, image, leastShareSkipped)
})

test('skipping unused blocks keeps a filesystem that was grown and one that was shrunk', { skip: needs ?? false }, async (t) => {
  const image = makeImage(testFolder(t), ['-t', 'ext4', '-b', '1024'], 60)
  truncateSync(image, 200 * MiB)
  tool('resize2fs', [image])
  await keepsEverything(t, image, leastShareSkipped)
  tool('e2fsck', ['-fp', image])
  tool('resize2fs', [image, '100M'])
  await keepsEverything(t, image, 0)
})

test('a filesystem that was in use when its image was taken is written whole', { skip: needs ?? false }, async (t) => {
  for (const kind of ['ext4', 'ext2']) {
    const folder = testFolder(t)
    const image = makeImage(folder, ['-t', kind], 100)
    const taken = join(folder, 'taken.img')
    mounted(image, 'rw', (inside) => {
      writeFileSync(join(inside, 'new'), 'written while mounted')
      tool('sync', ['-f', inside])
      copyFileSync(image, taken)
    })
    await isWrittenWhole(taken)
  }
})

test('a filesystem with recorded errors or an unknown feature is written whole', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const changes = [
    'ssv state 2',
    'ssv error_count 1',
    'ssv feature_incompat 0x80000242',
    'ssv feature_ro_compat 0x80',
    'ssv journal_inum 0',
  ]
  for (const change of changes) {
    const image = makeImage(folder, ['-t', 'ext4'], 100)
    tool('debugfs', ['-w', '-R', change, image])
    await isWrittenWhole(image)
  }
})

test('a block bitmap that does not fit its checksum or its count ends the skipping', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  for (const features of ['metadata_csum', '^metadata_csum,^uninit_bg']) {
    const image = makeImage(folder, ['-t', 'ext4', '-b', '1024', '-O', features], 100)
    const before = totalBytes(await neededOf(image, MiB))
    // Frees a block of a file in the bitmap behind the filesystem's back.
    tool('debugfs', ['-w', '-R', 'freeb 9000 200', image])
    tool('debugfs', ['-w', '-R', 'set_bg 1 checksum calc', image])
    tool('debugfs', ['-w', '-R', 'set_bg 1 free_blocks_count 1', image])
    tool('debugfs', ['-w', '-R', 'set_bg 1 checksum calc', image])
    const map = allocationWriteMap()
    assert.ok(totalBytes(await passThrough(image, map, MiB)) > before)
    assert.equal(map.volumes[0]?.problem?.code, 'ext-damaged')
  }
})

function makeImage(folder: string, options: string[], sizeMiB: number): string {
  const tree = join(folder, 'tree')
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree)
  writeSampleTree(tree, 42, { files: 120, links: true })
  const image = join(folder, 'image.img')
  rmSync(image, { force: true })
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * MiB)
  tool('mke2fs', ['-q', '-F', ...options, '-d', tree, image])
  return image
}

function neededOf(image: string, blockBytes: number): Promise<ByteRange[]> {
  return passThrough(image, allocationWriteMap(), blockBytes)
}

async function isWrittenWhole(image: string): Promise<void> {
  const map = allocationWriteMap()
  assert.deepEqual(await passThrough(image, map, MiB), [{ start: 0, end: statSync(image).size }])
  assert.ok(map.volumes[0]?.problem)
}

/** The promise of the whole thing, by oracles: e2fsck, the kernel, and dumpe2fs for what is free. */
async function keepsEverything(t: TestContext, image: string, leastShare: number): Promise<void> {
  const target = `${image}.target`
  t.after(() => rmSync(target, { force: true }))
  const needed = await writeThrough(image, allocationWriteMap(), target, MiB)
  for (const blockBytes of [64 * 1024, 4 * MiB]) assert.deepEqual(await neededOf(image, blockBytes), needed)

  const skipped = gapsBetween(needed, statSync(image).size)
  const free = freeByDumpe2fs(image)
  for (const gap of skipped) {
    const inside = free.some(({ start, end }) => start <= gap.start && gap.end <= end)
    assert.ok(inside, `bytes ${gap.start} to ${gap.end} are free`)
  }
  assert.ok(
    totalBytes(skipped) >= leastShare * totalBytes(free),
    `${totalBytes(skipped)} of ${totalBytes(free)} free bytes skipped`,
  )

  tool('e2fsck', ['-fn', target])
  const before = mounted(image, 'ro', treeContent)
  assert.ok(before.size > 60)
  assert.deepEqual(mounted(target, 'ro', treeContent), before)
}

function freeByDumpe2fs(image: string): ByteRange[] {
  const text = tool('dumpe2fs', [image])
  const blockBytes = Number(/^Block size: +(\d+)/m.exec(text)?.[1])
  // With clusters dumpe2fs names the first block of the last one.
  const unitBytes = Number(/^Cluster size: +(\d+)/m.exec(text)?.[1] ?? blockBytes)
  const free: ByteRange[] = []
  for (const line of text.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const run of line[1]?.matchAll(/(\d+)(?:-(\d+))?/g) ?? []) {
      const start = Number(run[1]) * blockBytes
      const end = Number(run[2] ?? run[1]) * blockBytes + unitBytes
      const last = free.at(-1)
      if (last && last.end === start) last.end = end
      else free.push({ start, end })
    }
  }
  return free
}
