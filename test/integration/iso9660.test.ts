import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { findNode, readSmallFile, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { withFileDevice } from '../support/file-device.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const needs = missingTools('xorriso', 'xorrisofs', 'genisoimage', 'isoinfo', 'mkfifo')

/** Everything that a name, a link, a place or a kind can be. */
function sampleTree(folder: string): string {
  const root = join(folder, 'tree')
  mkdirSync(root)
  writeSampleTree(root, 7, { files: 40, links: true })
  mkdirSync(join(root, 'live'))
  writeFileSync(join(root, 'live', 'filesystem.squashfs'), Buffer.alloc(700_001, 5))
  writeFileSync(join(root, 'live', 'empty'), '')
  writeFileSync(join(root, 'live', `${'long name with blanks and ümläuts '.repeat(5)}.txt`), 'long')
  writeFileSync(join(root, 'live', 'n'.repeat(250)), 'longest')
  let deep = root
  for (let level = 0; level < 12; level += 1) deep = join(deep, `level${level}`)
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'bottom'), 'deep')
  symlinkSync('../../../level0/./level1//level2', join(root, 'level0', 'crooked'))
  symlinkSync('/absolute/target', join(root, 'absolute'))
  symlinkSync('/', join(root, 'to-root'))
  symlinkSync(`${'long component '.repeat(16)}/${'y'.repeat(240)}/..`, join(root, 'very-long-link'))
  tool('mkfifo', [join(root, 'pipe')])
  mkdirSync(join(root, 'many'))
  for (let at = 0; at < 400; at += 1) writeFileSync(join(root, 'many', `file number ${at}`), `${at}`)
  chmodSync(join(root, 'live', 'empty'), 0o4751)
  utimesSync(join(root, 'live', 'empty'), 1_234_567_890, 1_234_567_890)
  return root
}

function contentOf(device: BlockDevice): string {
  const bytes = new Uint8Array(device.size)
  device.readSync(bytes, 0)
  return createHash('sha256').update(bytes).digest('hex')
}

/** Path, kind, rights, time and content of all that lies in a volume. */
function described(tree: VolumeTree): Map<string, string> {
  const found = new Map<string, string>()
  const problems = walkTree(tree, (path, node) => {
    const content = node.kind === 'file' ? contentOf(node.open().value ?? assert.fail(path)) : (node.target ?? '')
    found.set(path, `${node.kind} ${node.mode?.toString(8)} ${node.modifiedSeconds} ${content}`)
  })
  assert.deepEqual(problems, [])
  return found
}

function describedFolder(root: string): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (inside: string): void => {
    for (const name of readdirSync(join(root, inside))) {
      const path = inside === '' ? name : `${inside}/${name}`
      const facts = lstatSync(join(root, path))
      const kind = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : facts.isFIFO() ? 'fifo' : 'file'
      const content =
        kind === 'symlink'
          ? readlinkSync(join(root, path))
          : kind === 'file'
            ? createHash('sha256')
                .update(readFileSync(join(root, path)))
                .digest('hex')
            : ''
      found.set(path, `${kind} ${(facts.mode & 0o7777).toString(8)} ${Math.floor(facts.mtimeMs / 1000)} ${content}`)
      if (kind === 'directory') visit(path)
    }
  }
  visit('')
  return found
}

function sorted(map: Map<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

test('every entry of an ISO of xorriso is as in the folder it was made of', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = sampleTree(folder)
  const image = join(folder, 'x.iso')
  tool('xorriso', ['-outdev', image, '-volid', 'SK-SYSTEM1', '-map', root, '/', '-commit'])
  withFileDevice(image, 512, (device) => {
    const { value: iso } = openIso9660(device)
    assert.ok(iso)
    assert.equal(iso.names, 'rock-ridge')
    assert.equal(iso.volumeId, 'SK-SYSTEM1')
    assert.deepEqual(iso.problems, [])
    assert.deepEqual(sorted(described(iso)), sorted(describedFolder(root)))
    assert.equal(findNode(iso, 'level0/crooked/level3/level4')?.kind, 'directory')
    assert.equal(findNode(iso, 'level0/crooked/absent'), null)
    assert.equal(findNode(iso, '/live/../short-link')?.sizeBytes, statSync(join(root, 'short-link')).size)
    assert.equal(Buffer.from(readSmallFile(iso, 'many/file number 399', 10) ?? []).toString(), '399')
    assert.equal(readSmallFile(iso, 'live/filesystem.squashfs', 1000), null)
  })
})

test('directories that were moved because they lie too deep are found where they belong', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = sampleTree(folder)
  const image = join(folder, 'g.iso')
  tool('genisoimage', ['-quiet', '-R', '-hide-rr-moved', '-V', 'moved', '-o', image, root])
  withFileDevice(image, 512, (device) => {
    const { value: iso } = openIso9660(device)
    assert.ok(iso)
    const ours = described(iso)
    const expected = describedFolder(root)
    const contentOfEach = (map: Map<string, string>) =>
      sorted(map).map(([path, text]) => [path, text.split(' ').slice(3).join(' ')])
    for (const path of ['.rr_moved', 'rr_moved']) ours.delete(path)
    // genisoimage gives the last part of so long a link a length that leaves its entry.
    for (const map of [ours, expected]) map.delete('very-long-link')
    assert.deepEqual(contentOfEach(ours), contentOfEach(expected))
  })
})

test('Joliet and plain names are read where there is no Rock Ridge', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = join(folder, 'tree')
  mkdirSync(join(root, 'Größe und mehr'), { recursive: true })
  writeFileSync(join(root, 'Größe und mehr', 'A longer Name.text'), 'one')
  writeFileSync(join(root, 'README'), 'two')
  const image = join(folder, 'j.iso')
  tool('genisoimage', ['-quiet', '-J', '-input-charset', 'utf-8', '-V', 'joliet', '-o', image, root])
  const paths = () =>
    withFileDevice(image, 512, (device) => {
      const { value: iso } = openIso9660(device)
      assert.ok(iso)
      const found: string[] = []
      assert.deepEqual(
        walkTree(iso, (path) => found.push(path)),
        [],
      )
      assert.equal(Buffer.from(readSmallFile(iso, 'ReadMe', 10) ?? []).toString(), 'two')
      return { names: iso.names, found: found.sort() }
    })
  assert.deepEqual(paths(), { names: 'joliet', found: ['Größe und mehr', 'Größe und mehr/A longer Name.text', 'README'] })
  tool('genisoimage', ['-quiet', '-V', 'plain', '-input-charset', 'utf-8', '-o', image, root])
  const { names, found } = paths()
  assert.equal(names, 'plain')
  const listed = tool('isoinfo', ['-f', '-i', image]).split('\n').filter(Boolean)
  assert.deepEqual(found, listed.map((path) => path.slice(1).replace(/;1$/, '').replace(/\.$/, '').toLowerCase()).sort())
})

test('a volume whose session begins at sector 32, as on Lampone cards, is read from both places', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = join(folder, 'tree')
  mkdirSync(join(root, 'live'), { recursive: true })
  writeFileSync(join(root, 'live', 'vmlinuz'), Buffer.alloc(300_000, 1))
  writeFileSync(join(root, 'live', 'initrd.img'), Buffer.alloc(500_000, 2))
  writeFileSync(join(root, 'gone'), 'gone')
  const first = join(folder, 'first.iso')
  const card = join(folder, 'card.img')
  tool('xorrisofs', ['-quiet', '-R', '-J', '-V', 'FIRST', '-o', first, root])
  writeFileSync(card, '')
  truncateSync(card, 8 * 1024 * 1024)
  tool('xorriso', [
    '-indev',
    first,
    '-outdev',
    `stdio:${card}`,
    '-blank',
    'as_needed',
    '-joliet',
    'off',
    '-volid',
    'SK-SYSTEM1',
    '-rm',
    '/gone',
    '--',
    '-commit',
  ])
  withFileDevice(card, 512, (device) => {
    const volumes = [0, 32].map((session) => openIso9660(device, session).value)
    for (const iso of volumes) {
      assert.ok(iso)
      assert.equal(iso.volumeId, 'SK-SYSTEM1')
      assert.equal(iso.names, 'rock-ridge')
      const found = described(iso)
      assert.deepEqual([...found.keys()].sort(), ['live', 'live/initrd.img', 'live/vmlinuz'])
      for (const name of ['initrd.img', 'vmlinuz']) {
        const sum = createHash('sha256')
          .update(readFileSync(join(root, 'live', name)))
          .digest('hex')
        assert.equal(found.get(`live/${name}`)?.split(' ')[3], sum)
      }
    }
    assert.equal(volumes[0]?.uuid, volumes[1]?.uuid)
    assert.ok((volumes[0]?.sizeBytes ?? 0) - (volumes[1]?.sizeBytes ?? 0) >= 0)
  })
})

test('an ISO that was cut off says so, and what lies behind is not read', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = join(folder, 'tree')
  mkdirSync(root)
  writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000, 1))
  const image = join(folder, 'cut.iso')
  tool('xorrisofs', ['-quiet', '-R', '-o', image, root])
  truncateSync(image, 1_000_000)
  withFileDevice(image, 512, (device) => {
    const { value: iso } = openIso9660(device)
    assert.equal(iso?.problems[0]?.code, 'iso-cut-off')
    assert.equal(iso && findNode(iso, 'large')?.open().problem?.code, 'iso-outside')
  })
})
