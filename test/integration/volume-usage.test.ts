import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { volumeUsage } from '../../native-helpers/volumes/usage.ts'
import { withFileDevice } from '../support/file-device.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { blankVolume, dumpe2fs } from '../support/volume-tools.ts'

/** name, size in MiB, how it is made of a folder, what a tool that knows the format says is used */
const usages: [string, number, string[], (image: string) => number][] = [
  [
    'ext4',
    64,
    ['mke2fs', '-q', '-F', '-t', 'ext4', '-d', 'TREE', 'IMAGE'],
    (image) => {
      const { named, freeBlocks } = dumpe2fs(image)
      return (Number(named.get('Block count')) - freeBlocks) * Number(named.get('Block size'))
    },
  ],
  [
    'vfat',
    64,
    ['mkfs.fat', '-F', '32', 'IMAGE'],
    (image) => {
      const text = tool('fsck.fat', ['-n', '-v', image])
      return Number(/(\d+)\/\d+ clusters/.exec(text)?.[1]) * Number(/(\d+) bytes per cluster/.exec(text)?.[1])
    },
  ],
  [
    'btrfs',
    150,
    ['mkfs.btrfs', '-q', '-r', 'TREE', 'IMAGE'],
    (image) => Number(/^bytes_used\t+(\d+)/m.exec(tool('btrfs', ['inspect-internal', 'dump-super', image]))?.[1]),
  ],
  [
    'iso9660',
    0,
    ['xorrisofs', '-quiet', '-R', '-o', 'IMAGE', 'TREE'],
    (image) => Number(/Volume size is: (\d+)/.exec(tool('isoinfo', ['-d', '-i', image]))?.[1]) * 2048,
  ],
  [
    'squashfs',
    0,
    ['mksquashfs', 'TREE', 'IMAGE', '-quiet', '-no-progress', '-noappend'],
    (image) => Number(/Filesystem size (\d+) bytes/.exec(tool('unsquashfs', ['-s', image]))?.[1]),
  ],
  [
    'erofs',
    0,
    ['mkfs.erofs', '--quiet', 'IMAGE', 'TREE'],
    (image) => Number(/blocks:\s+(\d+)/.exec(tool('dump.erofs', ['-s', image]))?.[1]) * 4096,
  ],
]

for (const [type, sizeMiB, [program = '', ...args], said] of usages) {
  const needs = missingTools(program, 'dumpe2fs', 'fsck.fat', 'btrfs', 'isoinfo', 'unsquashfs', 'dump.erofs')
  test(`what is used of a volume of ${type} is what its own tool says`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const image = blankVolume(folder, sizeMiB)
    const root = join(folder, 'tree')
    mkdirSync(root)
    writeSampleTree(root, 4, { files: 20, links: true })
    tool(
      program,
      args.map((arg) => (arg === 'IMAGE' ? image : arg === 'TREE' ? root : arg)),
    )
    const usage = withFileDevice(image, 512, (device) => volumeUsage(device, type))
    assert.equal(usage?.usedBytes, said(image))
    assert.ok((usage?.totalBytes ?? 0) >= (usage?.usedBytes ?? 0))
  })
}
