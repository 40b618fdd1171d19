/** Damage to ext volumes and their journals, where it leads a reader: to where it looks for structure. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 * 1024
const roundsPerSample = 150
const maxMilliseconds = 5000
const maxReadBytes = 3 * 1024 * mebibyte

interface Watched extends BlockDevice {
  readBytes: number
  /** Start and length of everything that was read. */
  places: [number, number][]
}

function watched(bytes: Uint8Array): Watched {
  const inner = memoryDevice(bytes)
  return {
    ...inner,
    readBytes: 0,
    places: [],
    readSync(into, offset) {
      this.readBytes += into.length
      if (this.places.length < 100_000) this.places.push([offset, into.length])
      inner.readSync(into, offset)
    },
  }
}

interface Seen {
  entries: number
  problems: number
}

/** Everything that leads somewhere, and with `contents` what it leads to. */
function readAll(device: BlockDevice, contents: boolean): Seen {
  const { value } = openExt(device)
  if (!value) return { entries: 0, problems: 1 }
  const piece = new Uint8Array(64 * 1024)
  let entries = 0
  let problems = 0
  const found = walkTree(
    value.tree,
    (_path, node) => {
      entries += 1
      if (node.kind === 'symlink' && node.target === null) problems += 1
      if (node.xattrs?.().problem) problems += 1
      if (node.kind !== 'file') return
      const { value: content, problem } = node.open()
      if (problem) problems += 1
      if (!content || !contents) return
      content.readSync(piece.subarray(0, Math.min(piece.length, content.size)), 0)
      if (content.size > piece.length) content.readSync(piece, content.size - piece.length)
    },
    { maxEntries: 100_000 },
  )
  findNode(value.tree, 'd0/e0/f0.bin')
  findNode(value.tree, 'many/a file with a long name 77')
  return { entries, problems: problems + found.length + value.problems.length }
}

function readEverything(device: BlockDevice, contents: boolean): Seen {
  const plain = readAll(device, contents)
  const { value: view } = replayedInMemory(device)
  if (!view || view.device === device) return plain
  const after = readAll(view.device, contents)
  return { entries: plain.entries + after.entries, problems: plain.problems + after.problems + view.problems.length }
}

const kinds: [name: string, options: string[], journal: string | null][] = [
  ['ext4', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum'], null],
  ['ext4 with checksums', ['-t', 'ext4', '-b', '4096'], null],
  ['ext4 with content in inodes', ['-t', 'ext4', '-b', '1024', '-O', 'inline_data,^metadata_csum', '-I', '512'], null],
  [
    'ext4 in groups that describe themselves',
    ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode,^metadata_csum,ea_inode'],
    null,
  ],
  ['ext4 with clusters', ['-t', 'ext4', '-O', 'bigalloc,^metadata_csum'], null],
  ['ext2', ['-t', 'ext2', '-b', '1024', '-I', '128'], null],
  ['ext4 with a journal', ['-t', 'ext4', '-b', '1024', '-J', 'size=2', '-O', '^metadata_csum'], 'jo'],
  ['ext4 with a journal with checksums', ['-t', 'ext4', '-b', '1024', '-J', 'size=2'], 'jo -c -v 3'],
]

/** A small volume with something of every kind, large folders, files in pieces, attributes, and on request transactions that wait. */
function sample(t: TestContext, options: readonly string[], journal: string | null): Buffer {
  const folder = testFolder(t)
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'many'), { recursive: true })
  writeSampleTree(tree, 6, { files: 14, links: true })
  for (let index = 0; index < 150; index += 1) writeFileSync(join(tree, 'many', `a file with a long name ${index}`), `${index}`)
  const image = join(folder, 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, 16 * mebibyte)
  tool('mke2fs', ['-q', '-F', '-N', '400', '-d', tree, ...options, image])
  const commands = ['cd /']
  for (const name of ['torn', 'sparse']) {
    writeFileSync(join(folder, name), '')
    truncateSync(join(folder, name), 600_000)
  }
  commands.push(`write ${join(folder, 'torn')} torn`, `write ${join(folder, 'sparse')} sparse`)
  for (let block = 0; block < 500; block += 2) commands.push(`fallocate /torn ${block} ${block}`)
  commands.push('mknod gone c 0 0', 'mknod disk b 8 1', 'mknod pipe p')
  for (const [path, name, length] of [
    ['/torn', 'user.short', 5],
    ['/torn', 'user.long', 700],
    ['/many', 'security.selinux', 30],
    ['/sparse', 'trusted.overlay.opaque', 1],
    ['/sparse', 'user.larger', 3000],
  ] as const)
    commands.push(`ea_set ${path} ${name} ${'v'.repeat(length)}`)
  const debugfs = (lines: string[]) => {
    writeFileSync(join(folder, 'commands'), `${lines.join('\n')}\n`)
    tool('debugfs', ['-w', '-f', join(folder, 'commands'), image])
  }
  debugfs(commands)
  if (journal) {
    // As they are already, so that the volume is sound after the replay.
    const bytes = readFileSync(image)
    const blocks = (name: string, numbers: number[]) => {
      writeFileSync(join(folder, name), Buffer.concat(numbers.map((number) => bytes.subarray(number * 1024, (number + 1) * 1024))))
      return `jw -b ${numbers.join(',')} ${join(folder, name)}`
    }
    debugfs([journal, blocks('one', [1, 2, 70, 71, 72, 73, 9000]), 'jw -r 71,72', blocks('two', [73, 9001]), 'jc'])
  }
  return readFileSync(image)
}

const extremes = [0, 1, 0x7f, 0x80, 0xff]

/** Changes a few bytes where structure is, or puts structure where other structure was; returns how it was before. */
function damage(image: Buffer, hot: [number, number][], random: () => number): [number, Buffer] {
  const place = () => {
    const [start, length] = hot[Math.floor(random() * hot.length)] ?? [0, 1024]
    return Math.min(image.length - 64, start + Math.floor(random() * length))
  }
  const way = random()
  const width = [1, 2, 4, 8][Math.floor(random() * 4)] ?? 1
  const length = way < 0.8 ? width : way < 0.95 ? 4 : 64
  // Fields begin at multiples of their width.
  const at = Math.floor(place() / Math.min(length, 8)) * Math.min(length, 8)
  const before: [number, Buffer] = [at, Buffer.from(image.subarray(at, at + length))]
  if (way < 0.25) image[at] = (image[at] ?? 0) ^ (1 << Math.floor(random() * 8))
  else if (way < 0.8) {
    const byte = random() < 0.6 ? (extremes[Math.floor(random() * extremes.length)] ?? 0) : Math.floor(random() * 256)
    image.fill(byte, at, at + length)
  } else {
    const from = Math.floor(place() / 4) * 4
    image.copyWithin(at, from, from + length)
  }
  return before
}

for (const [name, options, journal] of kinds) {
  test(`damage leads to no thrown error, no long wait and little memory: ${name}`, {
    skip: missingTools('mke2fs', 'debugfs') ?? false,
  }, (t) => {
    const bytes = sample(t, options, journal)
    const sound = watched(bytes)
    const seen = readEverything(sound, false)
    assert.equal(seen.problems, 0)
    assert.ok(seen.entries > 150, `${seen.entries} entries`)
    const hot = sound.places
    const random = seeded(name.length)
    let troubled = 0
    let peak = 0
    const before = process.memoryUsage.rss()
    for (let round = 0; round < roundsPerSample; round += 1) {
      const saved = Array.from({ length: 1 + (round % 5) }, () => damage(bytes, hot, random)).reverse()
      const end = round % 25 === 0 ? Math.floor(random() * bytes.length) : bytes.length
      const device = watched(bytes.subarray(0, end))
      const started = process.cpuUsage()
      try {
        if (readEverything(device, true).problems > 0) troubled += 1
      } catch (thrown) {
        throw new Error(`round ${round}`, { cause: thrown })
      }
      // Of this process, so that a machine that does something else meanwhile does not count.
      const { user, system } = process.cpuUsage(started)
      const took = (user + system) / 1000
      assert.ok(took < maxMilliseconds, `round ${round} took ${took} ms`)
      assert.ok(device.readBytes < maxReadBytes, `round ${round} read ${device.readBytes} bytes`)
      peak = Math.max(peak, process.memoryUsage.rss())
      for (const [at, were] of saved) bytes.set(were, at)
    }
    assert.ok(troubled > roundsPerSample / 20, `only ${troubled} were noticed`)
    assert.ok(peak - before < 300 * mebibyte, `${Math.round((peak - before) / mebibyte)} MiB`)
    assert.deepEqual(readEverything(watched(bytes), false), seen)
  })
}
