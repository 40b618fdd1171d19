import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { LivecardError } from '../../native-helpers/errors.ts'
import { readArchive } from '../../native-helpers/systems/archive/contents.ts'
import { type ArchiveFile, type Manifest, manifestPath } from '../../native-helpers/systems/archive/manifest.ts'
import type { TarEntry } from '../../native-helpers/volumes/tar/entry.ts'
import { tarEnd, tarHeader, tarPadding } from '../../native-helpers/volumes/tar/writer.ts'
import { noise } from '../support/memory-device.ts'
import { seeded, testFolder } from '../support/tools.ts'

type Made = Partial<TarEntry> & { path: string; content?: Uint8Array }

function entry({ content, ...own }: Made): TarEntry {
  return {
    ...{ kind: 'file', target: '', permissions: 0o644, uid: 0, gid: 0, sizeBytes: content?.length ?? 0, extents: null },
    ...{
      modified: { seconds: 1, nanoseconds: 0 },
      accessed: null,
      changed: null,
      created: null,
      major: 0,
      minor: 0,
      xattrs: new Map(),
    },
    ...own,
  }
}

function archive(members: Made[]): Buffer {
  const parts = members.flatMap((made) => {
    const head = entry(made)
    return [tarHeader(head), made.content ?? new Uint8Array(), tarPadding(head)]
  })
  return Buffer.concat([...parts, tarEnd()])
}

const folder = (path: string): Made => ({ path, kind: 'folder', permissions: 0o755 })
const file = (path: string): Made => ({ path, content: Buffer.from('x') })

const refused: [what: string, members: Made[], member: RegExp][] = [
  ['an absolute path', [file('/etc/passwd')], /"\/etc\/passwd"/],
  ['a path that leads upwards', [folder('rw'), file('rw/../../etc/passwd')], /"rw\/\.\.\/\.\.\/etc\/passwd"/],
  ['a path that is only upwards', [folder('..')], /"\.\./],
  [
    'a member below a link',
    [folder('rw'), { path: 'rw/out', kind: 'link', target: '/etc' }, file('rw/out/passwd')],
    /"rw\/out\/passwd"/,
  ],
  ['a member below a file', [file('rw/a'), file('rw/a/b')], /"rw\/a\/b"/],
  ['a member below a device', [{ path: 'a', kind: 'char' }, file('a/b')], /"a\/b"/],
  ['a name twice', [file('rw/a'), file('rw/a')], /"rw\/a"/],
  ['a name twice, written otherwise', [file('rw/a'), file('./rw//a')], /"\.\/rw\/\/a"/],
  ['a folder twice', [folder('rw/a'), folder('rw/a')], /"rw\/a\/"/],
  ['a file where a folder was', [folder('rw/a'), file('rw/a/b'), file('rw/a')], /"rw\/a"/],
  ['a file where a folder was meant', [file('rw/a/b'), file('rw/a')], /"rw\/a"/],
  ['a link in the place of a folder', [folder('rw/a'), { path: 'rw/a', kind: 'link', target: '/etc' }], /"rw\/a"/],
  ['a further name of nothing', [{ path: 'a', kind: 'hard-link', target: 'b' }, file('b')], /"a"/],
  ['a further name of something outside', [{ path: 'a', kind: 'hard-link', target: '../../etc/shadow' }], /"a"/],
  ['a further name of a folder', [folder('b'), { path: 'a', kind: 'hard-link', target: 'b' }], /"a"/],
  ['a link to nowhere', [{ path: 'a', kind: 'link', target: '' }], /"a"/],
  ['a link that is too long', [{ path: 'a', kind: 'link', target: 'x'.repeat(4096) }], /"a"/],
  ['a name that is too long', [file(`rw/${'x'.repeat(256)}`)], /"rw\/xxx/],
  ['a path that is too long', [file(`${'x/'.repeat(40_000)}y`)], /"x\/x/],
  ['a name that is none', [{ path: '.', kind: 'link', target: 'x' }], /"\."/],
  ['a list that is not the first', [file('rw'), file(manifestPath)], /manifest/],
]

for (const [what, members, member] of refused)
  test(`an archive is refused for ${what}, by the member's name`, (t) => {
    const path = join(testFolder(t), 'a.tar')
    writeFileSync(path, archive(members))
    assert.throws(() => readArchive(path, () => {}), { code: 'archive-member-refused', message: member })
  })

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const contents = [noise(3000, 1), noise(70_000, 2), new Uint8Array()]

function listed(change: (files: ArchiveFile[]) => void = () => {}): Made {
  const files: ArchiveFile[] = [
    { path: 'rw', kind: 'folder', size: 0, mtime: '1', ctime: null, sha256: null, link: null, stored: true },
    ...contents.map((content, index): ArchiveFile => {
      const common = { mtime: '1', ctime: null, link: null, stored: true }
      return { path: `rw/${index}`, kind: 'file', size: content.length, sha256: sha256(content), ...common }
    }),
  ]
  change(files)
  const origin = { partition: 4, path: 'rw', fs: 'ext4', label: null, uuid: null }
  const list: Manifest = {
    ...{ format: 1, madeBy: 'test', madeAt: 1, system: { id: 'lampone', name: 'x', generation: null } },
    ...{ card: { kind: 'image', sizeBytes: 1 }, volumes: [], kernels: [], kernel: null, only: [], since: null },
    parts: [{ what: 'rw', folder: 'rw', form: 'upper', origin, base: null, files: 1, bytes: 1 }],
    files,
  }
  return { path: manifestPath, content: Buffer.from(JSON.stringify(list)) }
}
const members = [folder('rw'), ...contents.map((content, index) => ({ path: `rw/${index}`, content }))]

test('an archive that is not what its list says is named as damaged', (t) => {
  const path = join(testFolder(t), 'a.tar')
  const damaged = (bytes: Uint8Array, message: RegExp) => {
    writeFileSync(path, bytes)
    assert.throws(() => readArchive(path, () => {}), { code: 'archive-damaged', message })
  }
  writeFileSync(path, archive([listed(), ...members]))
  assert.equal(readArchive(path, () => {}).members, 5)
  damaged(archive([listed(), ...members.slice(0, -1)]), /"rw\/2" of its list is not in it/)
  damaged(archive([listed(), ...members, file('rw/more')]), /nothing more in the place of "rw\/more"/)
  damaged(archive([listed(), ...members.slice(0, 2), ...members.slice(2).reverse()]), /in the place of "rw\/2"/)
  const other = [...members.slice(0, 2), { path: 'rw/1', content: noise(70_000, 9) }, ...members.slice(3)]
  damaged(archive([listed(), ...other]), /"rw\/1" does not have the sum/)
  damaged(archive([listed((files) => files.splice(0, files.length)), ...members]), /nothing more/)
  damaged(archive([{ path: manifestPath, content: Buffer.from('{"format": 1}') }, ...members]), /its list cannot be used/)
  const asLink: Made[] = [...members.slice(0, 3), { path: 'rw/2', kind: 'link', target: '/etc' }]
  damaged(archive([listed(), ...asLink]), /"rw\/2" is not what its list says/)
  damaged(new Uint8Array(), /it is empty/)
  damaged(Buffer.concat([archive(members), Buffer.from('more'.padEnd(512))]), /something follows its end/)
})

test('wherever an archive is cut off, packed or not, it is named as damaged', (t) => {
  const path = join(testFolder(t), 'a.tar')
  const plain = archive([listed(), ...members])
  for (const [name, bytes, step] of [
    ['plain', plain.subarray(0, -1024), 512],
    ['gzip', gzipSync(plain), 5003],
    ['zstd', zstdCompressSync(plain), 5003],
  ] as const)
    for (let length = 0; length < bytes.length; length += step) {
      writeFileSync(path, bytes.subarray(0, length))
      assert.throws(() => readArchive(path, () => {}), { code: 'archive-damaged' }, `${name}, ${length} bytes`)
    }
})

test('whatever byte of an archive is wrong, what comes of it has a name', (t) => {
  const path = join(testFolder(t), 'a.tar')
  const plain = archive([listed(), ...members])
  const random = seeded(4)
  writeFileSync(path, plain)
  const { digest } = readArchive(path, () => {})
  let found = 0
  for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })])
    for (let round = 0; round < 150; round += 1) {
      const bad = Uint8Array.from(bytes)
      const at = Math.floor(random() * bad.length)
      bad[at] = (bad[at] ?? 0) ^ (1 << Math.floor(random() * 8))
      writeFileSync(path, bad)
      try {
        if (readArchive(path, () => {}).digest !== digest) found += 1
      } catch (thrown) {
        assert.ok(thrown instanceof LivecardError, String(thrown))
        found += 1
      }
    }
  assert.ok(found > 400, `${found}`)
})
