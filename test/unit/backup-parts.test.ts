import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { ManifestText } from '../../native-helpers/jobs/backup/manifest-text.ts'
import { packingOf, stored } from '../../native-helpers/jobs/backup/stored.ts'
import { parseManifest } from '../../native-helpers/systems/archive/manifest.ts'
import { plainNode } from '../../native-helpers/systems/backup.ts'
import { changedBytes } from '../../native-helpers/systems/liveos/changed-files.ts'
import { aclFromText, aclToText } from '../../native-helpers/volumes/tar/acl.ts'
import { missingTools, seeded, tool } from '../support/tools.ts'

const lengths = [0, 1, 511, 65_534, 65_535, 65_536, 131_071, 131_072, 131_073, 1_000_000]

function piecesOf(length: number): Uint8Array[] {
  const random = seeded(length)
  const bytes = Uint8Array.from({ length }, () => random() * 256)
  const cut = Math.floor(length / 3)
  return [bytes.subarray(0, cut), bytes.subarray(cut)]
}

test('what is stored unpacked is what every unpacker gives', () => {
  for (const length of lengths) {
    const content = Buffer.concat(piecesOf(length))
    const [gzip, zstd] = (['gzip', 'zstd'] as const).map((packing) => Buffer.concat([...stored(packing, piecesOf(length))]))
    assert.ok(gzip && zstd)
    assert.ok(gunzipSync(gzip).equals(content), `gzip ${length}`)
    assert.ok(zstdDecompressSync(zstd).equals(content), `zstd ${length}`)
    // Something packed may follow.
    assert.ok(gunzipSync(Buffer.concat([gzip, gzip])).equals(Buffer.concat([content, content])))
    if (missingTools('gzip', 'zstd') === null) {
      tool('gzip', ['--test'], { input: gzip })
      tool('zstd', ['--test', '-'], { input: zstd })
    }
  }
})

test('another content of the same length takes the same place', () => {
  for (const packing of ['none', 'gzip', 'zstd'] as const)
    for (const length of lengths) {
      const zeros = piecesOf(length).map((piece) => new Uint8Array(piece.length))
      const [one, other] = [piecesOf(length), zeros].map((pieces) => Buffer.concat([...stored(packing, pieces)]))
      assert.equal(one?.length, other?.length)
    }
})

test('an archive is packed as its name says', () => {
  assert.deepEqual(['a.tar', 'a.TAR.GZ', 'a.tgz', 'a.tar.zst', 'a.tzst', 'a.zip', 'tar', 'a.tar.xz', 'a.gz'].map(packingOf), [
    'none',
    'gzip',
    'gzip',
    'zstd',
    'zstd',
    null,
    null,
    null,
    null,
  ])
})

test('sums are filled into a manifest without moving anything', () => {
  const time = { seconds: -2, nanoseconds: 750_000_000 }
  const item = (path: string, more = {}) => ({
    ...{ path, node: plainNode(path, 'file', {}), kind: 'file' as const, linkId: null, sizeBytes: 5, contentBytes: 5 },
    ...{ modified: time, changed: time, link: null, unchanged: null, ...more },
  })
  const many = Array.from({ length: 5000 }, (_, index) => item(`rw/größe/${'x'.repeat(index % 90)}\udcff-${index}`))
  const items = [
    item('rw', { kind: 'folder' }),
    ...many,
    item('rw/other', { link: many[0]?.path }),
    item('rw/old', { unchanged: { sha256: 'b'.repeat(64) } }),
  ]
  const text = new ManifestText(
    {
      ...{ format: 1, madeBy: 'test', madeAt: 1, system: { id: 'x', name: 'X', generation: null } },
      ...{ card: { kind: 'image', sizeBytes: 1 }, volumes: [], kernels: [], kernel: null, only: [], since: null },
      parts: [
        {
          ...{ what: 'rw', folder: 'rw', form: 'upper', base: null, files: 1, bytes: 1 },
          origin: { partition: 4, path: 'rw', fs: null, label: null, uuid: null },
        },
      ],
    },
    [items.slice(0, 100), items.slice(100)],
  )
  const before = Buffer.concat(text.pieces).length
  for (const [index] of many.entries()) text.fillNext(index % 7 === 0 ? null : index.toString(16).padStart(64, '0'))
  assert.throws(() => text.fillNext(null), TypeError)
  const bytes = Buffer.concat(text.pieces)
  assert.equal(bytes.length, before)
  const { value, problem } = parseManifest(bytes)
  assert.ok(value, problem?.detail)
  assert.deepEqual(
    value.files.map(({ path }) => path),
    items.map(({ path }) => path),
  )
  for (const [index] of many.entries())
    assert.equal(value.files[index + 1]?.sha256, index % 7 === 0 ? null : index.toString(16).padStart(64, '0'))
  const [other, old] = value.files.slice(-2)
  assert.deepEqual([other?.link, other?.sha256, old?.stored, old?.sha256], [many[0]?.path, null, false, 'b'.repeat(64)])
  assert.deepEqual([old?.mtime, old?.ctime], ['-1.25', '-1.25'])
})

test('bytes count as changed where a copy or the journal has them', () => {
  const isChanged = changedBytes({ chunkBytes: 4096, find: (chunk) => (chunk === 3 ? 7 : null) }, { blockBytes: 1024, blocks: [1] })
  assert.deepEqual(
    [
      [0, 1024],
      [0, 1025],
      [1024, 1],
      [2048, 10240],
      [2048, 10241],
      [16383, 1],
      [16384, 5000],
    ].map(([offset = 0, length = 0]) => isChanged(offset, length)),
    [false, true, true, false, true, true, false],
  )
})

test('an access control list is the same as text and back', () => {
  const text = 'user::rwx,user:1234:r--,group::r-x,group:70000:-w-,mask::rwx,other::---'
  const list = aclFromText(Buffer.from(text)) ?? assert.fail('it is none')
  assert.equal(aclToText(list), text)
  for (const bytes of [[], [2, 0, 0, 0, 1], [1, 0, 0, 0], [2, 0, 0, 0, 64, 0, 7, 0, 0, 0, 0, 0]])
    assert.ok([null, ''].includes(aclToText(Uint8Array.from(bytes))), String(bytes))
})
