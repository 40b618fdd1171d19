import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { sparseDevice } from '../../native-helpers/jobs/demo/sparse-device.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { makeIso9660, type NewIso } from '../../native-helpers/volumes/making/iso9660.ts'
import type { NewEntry } from '../../native-helpers/volumes/making/new-entry.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { withFileDevice } from '../support/file-device.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { noise } from '../support/memory-device.ts'
import { withNewDevice } from '../support/new-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('xorriso', 'isoinfo', 'blkid')
const date = new Date('2020-06-01T10:20:30.450Z')
const uuid = '2020-06-01-10-20-30-45'

/** As the systems have them. */
const liveEntries: NewEntry[] = [
  { kind: 'file', path: 'live/vmlinuz', content: noise(300_001, 1), mode: 0o644, modifiedSeconds: 1_500_000_000 },
  { kind: 'file', path: 'live/initrd.img', content: noise(500_000, 2), mode: 0o600, ownerId: 1000, groupId: 4_000_000_000 },
  { kind: 'file', path: 'live/filesystem.squashfs', content: noise(2_000_000, 3), mode: 0o4755 },
]

/** Everything that a name, a link or a place can be. */
const richEntries: NewEntry[] = [
  ...liveEntries,
  { kind: 'folder', path: 'empty folder', mode: 0o1777 },
  { kind: 'file', path: 'empty', content: new Uint8Array() },
  { kind: 'file', path: `long/${'long name with blanks and ümläuts '.repeat(7).slice(0, 235)}.txt`, content: noise(10) },
  { kind: 'file', path: `long/${'n'.repeat(255)}`, content: noise(11) },
  { kind: 'link', path: 'links/short', target: '../live/vmlinuz' },
  { kind: 'link', path: 'links/absolute', target: '/usr/./lib/../x' },
  { kind: 'link', path: 'links/root', target: '/' },
  { kind: 'link', path: `links/${'l'.repeat(200)}`, target: `${'long component '.repeat(16)}/${'y'.repeat(240)}/..` },
  { kind: 'file', path: `${Array.from({ length: 12 }, (_, at) => `level${at}`).join('/')}/bottom`, content: noise(12) },
  ...Array.from(
    { length: 400 },
    (_, at): NewEntry => ({ kind: 'file', path: `many/file number ${at}`, content: Buffer.from(`${at}`) }),
  ),
  ...Array.from(
    { length: 300 },
    (_, at): NewEntry => ({ kind: 'file', path: `folders/folder with a number ${at}/f`, content: noise(1) }),
  ),
]

function make(path: string, options: Partial<NewIso> = {}, sizeBytes = 16 * MiB): number {
  return withNewDevice(path, sizeBytes, (device) =>
    makeIso9660(sparseDevice(device), { volumeId: 'SK-SYSTEM1', entries: richEntries, date, ...options }),
  )
}

interface Fact {
  kind: string
  mode: number
  owner: string
  seconds: number
  content: string
}

/** What was asked for, with the folders on the way. */
function expectedFacts(entries: readonly NewEntry[]): Map<string, Fact> {
  const found = new Map<string, Fact>()
  const madeSeconds = Math.floor(date.getTime() / 1000)
  for (const entry of entries) {
    const parts = entry.path.split('/')
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join('/')
      found.set(path, { kind: 'directory', mode: 0o755, owner: '0:0', seconds: madeSeconds, content: '' })
    }
    const usual = { folder: 0o755, file: 0o644, link: 0o777 }[entry.kind]
    found.set(entry.path, {
      kind: entry.kind === 'folder' ? 'directory' : entry.kind === 'link' ? 'symlink' : 'file',
      mode: entry.mode ?? usual,
      owner: `${entry.ownerId ?? 0}:${entry.groupId ?? 0}`,
      seconds: entry.modifiedSeconds ?? madeSeconds,
      content: entry.kind === 'link' ? entry.target : entry.kind === 'file' ? sha256(entry.content) : '',
    })
  }
  return found
}

function sha256(content: Uint8Array | BlockDevice): string {
  const bytes = content instanceof Uint8Array ? content : new Uint8Array(content.size)
  if (!(content instanceof Uint8Array)) content.readSync(bytes, 0)
  return createHash('sha256').update(bytes).digest('hex')
}

function factsBelow(folder: string): Map<string, Fact> {
  const found = new Map<string, Fact>()
  const visit = (inside: string): void => {
    for (const name of readdirSync(join(folder, inside))) {
      const path = inside === '' ? name : `${inside}/${name}`
      const facts = lstatSync(join(folder, path))
      const kind = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : 'file'
      const whole = join(folder, path)
      const content = kind === 'symlink' ? readlinkSync(whole) : kind === 'file' ? sha256(readFileSync(whole)) : ''
      const owner = `${facts.uid}:${facts.gid}`
      found.set(path, { kind, mode: facts.mode & 0o7777, owner, seconds: Math.floor(facts.mtimeMs / 1000), content })
      if (kind === 'directory') visit(path)
    }
  }
  visit('')
  return found
}

/** Why the kernel cannot be asked, or null: many are built without this filesystem. */
function cannotMountIso(): string | null {
  if (cannotMount()) return cannotMount()
  return readFileSync('/proc/filesystems', 'utf8').includes('iso9660') ? null : 'this kernel knows no ISO 9660'
}

function ourFacts(image: string, session: number): Map<string, Fact> {
  return withFileDevice(image, 512, (device) => {
    const { value } = openIso9660(device, session)
    assert.ok(value)
    assert.deepEqual([value.volumeId, value.uuid, value.names, value.problems], ['SK-SYSTEM1', uuid, 'rock-ridge', []])
    const found = new Map<string, Fact>()
    const problems = walkTree(value, (path, node) => {
      const content = node.kind === 'file' ? sha256(node.open().value ?? assert.fail(path)) : (node.target ?? '')
      const { kind, mode, ownerId, groupId, modifiedSeconds } = node
      found.set(path, { kind, mode: mode ?? -1, owner: `${ownerId}:${groupId}`, seconds: modifiedSeconds ?? -1, content })
    })
    assert.deepEqual(problems, [])
    return found
  })
}

function assertSame(ours: Map<string, Fact>, theirs: Map<string, Fact>): void {
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort())
  for (const [path, fact] of theirs) assert.deepEqual({ path, ...ours.get(path) }, { path, ...fact })
}

test('the kernel finds in a new ISO what went in, names, links and rights', (t) => {
  const cannot = cannotMountIso()
  if (cannot) return t.skip(cannot)
  const image = join(testFolder(t), 'x.iso')
  make(image)
  assertSame(mounted(image, 'ro,check=s', factsBelow), expectedFacts(richEntries))
  // Rock Ridge left out, everything is there by its plain name: as many as there are, none of them twice.
  assert.equal(mounted(image, 'ro,norock,nojoliet,map=off', factsBelow).size, expectedFacts(richEntries).size)
})

test('xorriso takes out of a new ISO what went in, names, links and rights', { skip: needs ?? false }, (t) => {
  if (process.getuid?.() !== 0) return t.skip('owners cannot be compared without root')
  const folder = testFolder(t)
  const image = join(folder, 'x.iso')
  make(image)
  const out = join(folder, 'out')
  const { status, said } = xorriso(['-indev', image, '-osirrox', 'on', '-extract', '/', out])
  assert.doesNotMatch(said, /SORRY|FAILURE|FATAL|WARNING/, said)
  assert.equal(status, 0)
  // It leaves the times of links as they come.
  const timeless = (facts: Map<string, Fact>) =>
    new Map([...facts].map(([path, fact]) => [path, fact.kind === 'symlink' ? { ...fact, seconds: 0 } : fact]))
  assertSame(timeless(factsBelow(out)), timeless(expectedFacts(richEntries)))
})

test('our reader finds in a new ISO what went in, from either place of its descriptors', (t) => {
  const image = join(testFolder(t), 'x.iso')
  make(image, { sessionSector: 32 })
  for (const session of [0, 32]) assertSame(ourFacts(image, session), expectedFacts(richEntries))
})

test('xorriso and isoinfo read a new ISO, and blkid prints the UUID that was asked for', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'x.iso')
  const sizeBytes = make(image)
  assert.equal(sizeBytes % 2048, 0)
  const blkid = (tag: string) => tool('blkid', ['-p', '-s', tag, '-o', 'value', image]).trim()
  assert.deepEqual([blkid('TYPE'), blkid('LABEL'), blkid('UUID')], ['iso9660', 'SK-SYSTEM1', uuid])
  const listed = tool('isoinfo', ['-R', '-f', '-i', image]).split('\n').filter(Boolean)
  assert.deepEqual(listed.filter((path) => path.startsWith('/live')).sort(), [
    '/live',
    '/live/filesystem.squashfs',
    '/live/initrd.img',
    '/live/vmlinuz',
  ])
  assert.equal(listed.length, expectedFacts(richEntries).size)
  // Without Rock Ridge everything has a plain name of its own.
  const plain = tool('isoinfo', ['-f', '-i', image]).split('\n').filter(Boolean)
  assert.deepEqual([plain.length, new Set(plain).size], [listed.length, listed.length])
  assert.match(plain.join('\n'), /^\/LIVE\/FILESYST\.SQU;1$/m)
  // The tables of folders name each folder, too.
  const table = tool('isoinfo', ['-p', '-i', image])
    .split('\n')
    .filter((line) => /^\s*\d+: /.test(line))
  const folders = [...expectedFacts(richEntries).values()].filter(({ kind }) => kind === 'directory')
  assert.equal(table.length, folders.length + 1)
})

test('a session at sector 32 is to xorriso the one that it would have written itself', { skip: needs ?? false }, (t) => {
  const image = join(testFolder(t), 'x.iso')
  make(image, { sessionSector: 32, entries: liveEntries })
  const { said } = xorriso(['-indev', `stdio:${image}`, '-toc'])
  assert.match(said, /ISO session {2}: {3}1 , +32 , +\d+s , SK-SYSTEM1/)
  const bytes = readFileSync(image)
  const differing = Array.from({ length: 4096 }, (_, at) => at).filter((at) => bytes[16 * 2048 + at] !== bytes[48 * 2048 + at])
  // Only the volume size differs, by the sectors before the session.
  assert.ok(
    differing.every((at) => at >= 80 && at < 88),
    `${differing}`,
  )
  assert.equal(bytes.readUInt32LE(16 * 2048 + 80) - bytes.readUInt32LE(48 * 2048 + 80), 32)
})

test('a file of more than 4 GiB, nearly all zeros, is one file to xorriso', { skip: needs ?? false }, (t) => {
  const image = join(testFolder(t), 'large.iso')
  const size = 5 * 1024 * MiB + 3
  const content: BlockDevice = {
    size,
    sectorSize: 512,
    readSync(into, offset) {
      into.fill(0)
      if (offset + into.length === size) into[into.length - 1] = 9
    },
  }
  make(image, { entries: [{ kind: 'file', path: 'LiveOS/rootfs.img', content }] }, 6 * 1024 * MiB)
  assert.ok(statSync(image).blocks * 512 < 4 * MiB)
  assert.match(xorriso(['-indev', image, '-lsl', '/LiveOS/']).said, new RegExp(` ${size} .*'rootfs.img'`))
  withFileDevice(image, 512, (device) => {
    const { value } = openIso9660(device)
    const file = value && findNode(value, 'LiveOS/rootfs.img')?.open().value
    assert.equal(file?.size, size)
    const last = new Uint8Array(1)
    file?.readSync(last, size - 1)
    assert.equal(last[0], 9)
  })
})

test('what an ISO cannot hold is refused', (t) => {
  const path = join(testFolder(t), 'x.iso')
  const file = { kind: 'file', content: noise(1) } as const
  assert.throws(() => make(path, { entries: [{ ...file, path: 'x'.repeat(256) }] }))
  assert.throws(() => make(path, { entries: [{ kind: 'link', path: 'x', target: 'y'.repeat(3000) }] }))
  assert.throws(() => make(path, { volumeId: 'v'.repeat(33) }))
  assert.throws(() => make(path, { entries: [{ kind: 'file', path: 'x', content: noise(2 * MiB) }] }, MiB))
})

function xorriso(args: string[]): { status: number; said: string } {
  const said = tool('sh', ['-c', 'xorriso "$@" 2>&1; echo "status $?"', 'sh', ...args])
  return { status: Number(/status (\d+)/.exec(said)?.[1]), said }
}
