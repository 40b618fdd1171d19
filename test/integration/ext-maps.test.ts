import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extMaps } from '../../native-helpers/volumes/ext-maps.ts'
import { withFileDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { blankVolume } from '../support/volume-tools.ts'

const skip = missingTools('mke2fs', 'dumpe2fs') ?? false

const kinds: [string, string[], number][] = [
  ['ext4 as it is made today', ['-t', 'ext4', '-b', '4096'], 300],
  ['ext4 of many small groups', ['-t', 'ext4', '-b', '1024', '-g', '1024'], 40],
  ['ext4 without flex_bg and 64bit', ['-t', 'ext4', '-O', '^flex_bg,^64bit', '-b', '1024'], 40],
  ['ext4 with meta_bg', ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024', '-g', '1024'], 64],
  ['ext3', ['-t', 'ext3', '-b', '1024'], 40],
]

/** The blocks that dumpe2fs names of each group: "at 5", "at 5-20", and its superblocks with their descriptors. */
function mapsBy(image: string): Set<number> {
  const blocks = new Set<number>()
  const text = tool('dumpe2fs', [image])
  const named =
    /(?:(?:Primary|Backup) superblock at|[Gg]roup descriptors at|[Gg]roup descriptor at|Reserved GDT blocks at|bitmap at|Inode table at) (\d+)(?:-(\d+))?/g
  for (const [, first = '', last = first] of text.matchAll(named)) {
    for (let block = Number(first); block <= Number(last); block += 1) blocks.add(block)
  }
  return blocks
}

for (const [name, options, sizeMiB] of kinds) {
  test(`the maps of ${name} lie where dumpe2fs says`, { skip }, (t) => {
    const image = blankVolume(testFolder(t), sizeMiB)
    tool('mke2fs', ['-q', '-F', ...options, image])
    const blockBytes = Number(options[options.indexOf('-b') + 1])
    const found = new Set<number>()
    withFileDevice(image, 512, (device) => {
      const { value, problem } = extMaps(device)
      for (const { start, end } of value?.runs ?? assert.fail(problem?.detail))
        for (let at = start; at < end; at += blockBytes) found.add(at / blockBytes)
      assert.deepEqual(value?.superblock, { start: 1024, end: 2048 })
    })
    const expected = mapsBy(image)
    assert.ok(expected.size > 100)
    assert.deepEqual(
      [...found].sort((a, b) => a - b),
      [...expected].sort((a, b) => a - b),
    )
  })
}
