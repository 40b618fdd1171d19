import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bmapWriteMap, readBmap } from '../../native-helpers/imaging/bmap.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { garbage, writeThrough } from '../support/map-target.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('bmaptool', 'losetup') ?? cannotMount()

/** The one that bmaptool itself runs in, whatever comes first on the path. */
const debianPython = '/usr/bin/python3'
/** What `bmaptool create` does; its command line has no choice of checksums. */
const create = 'import sys; from bmaptools.BmapCreate import BmapCreate; BmapCreate(*sys.argv[1:]).generate()'

test('a card written by a block map of bmaptool holds what bmaptool writes', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const random = seeded(3)
  for (const [name, sizeBytes] of Object.entries({ even: 32 * MiB, odd: 20 * MiB + 1234 })) {
    const image = join(folder, `${name}.img`)
    sparseImage(image, sizeBytes, random)
    for (const type of ['sha256', 'sha1']) {
      const map = join(folder, `${name}.${type}.bmap`)
      tool(debianPython, ['-c', create, image, map, type])
      const ours = join(folder, 'ours.img')
      const bmap = await readBmap(map)
      assert.ok(bmap.ranges.length > 3 && bmap.mappedBytes < sizeBytes / 2)
      await writeThrough(image, bmapWriteMap(bmap, { imageBytes: sizeBytes }), ours, MiB)
      assert.ok(copiedByBmaptool(folder, image, map, sizeBytes).equals(readFileSync(ours)), `${name}, ${type}`)
    }
  }
})

/** Into a block device full of garbage, because bmaptool empties a file first. */
function copiedByBmaptool(folder: string, image: string, map: string, sizeBytes: number): Buffer {
  const backing = join(folder, 'theirs.img')
  writeFileSync(backing, Buffer.alloc(Math.ceil(sizeBytes / 4096) * 4096, garbage))
  const loop = tool('losetup', ['--find', '--show', backing]).trim()
  try {
    tool('bmaptool', ['copy', '--bmap', map, image, loop])
  } finally {
    tool('losetup', ['-d', loop])
  }
  return readFileSync(backing).subarray(0, sizeBytes)
}

function sparseImage(path: string, sizeBytes: number, random: () => number): void {
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  const file = openSync(path, 'r+')
  for (let island = 0; island < 12; island += 1) {
    const bytes = Buffer.alloc(Math.floor(random() * 600_000) + 1, 1 + island)
    const offset = Math.floor((random() * (fstatSync(file).size - bytes.length)) / 4096) * 4096
    writeSync(file, bytes, 0, bytes.length, island === 0 ? 0 : offset)
  }
  // The last, incomplete block carries data too.
  writeSync(file, Buffer.from([7]), 0, 1, sizeBytes - 1)
  closeSync(file)
}
