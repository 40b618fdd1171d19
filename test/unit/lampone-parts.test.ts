import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareVersions } from '../../native-helpers/systems/lampone/installed-kernel.ts'
import { modulesOf } from '../../native-helpers/systems/lampone/modules.ts'
import { keepsEverything, parsePersistenceConf } from '../../native-helpers/systems/lampone/persistence-conf.ts'
import type { TreeNode, VolumeTree } from '../../native-helpers/volumes/tree.ts'
import { seeded, tool } from '../support/tools.ts'

test('versions of kernels are in the order of sort -V', () => {
  const random = seeded(3)
  const versions = [
    '5.6.0-0.bpo.2-arm64',
    '5.6.0-2-arm64',
    '5.10.0-1-arm64',
    '4.9.0-8-amd64',
    '4.19.0-9-amd64',
    '4.19.0-13-amd64',
    '6.1.0-50-amd64',
    '6.12-amd64',
  ]
  const shuffled = versions.map((version) => ({ version, at: random() })).sort((a, b) => a.at - b.at)
  const sorted = tool('sort', ['-V'], { input: shuffled.map(({ version }) => `${version}\n`).join('') })
    .trim()
    .split('\n')
  assert.deepEqual(shuffled.map(({ version }) => version).sort(compareVersions), sorted)
})

test('persistence.conf keeps everything only with a union at the root', () => {
  const keeps = (text: string) => keepsEverything(parsePersistenceConf(text))
  for (const text of ['/ union', '/ union\n', '# a comment\n\n  /   union  \n', '/home bind\n/ union,source=.\n', '/\tunion'])
    assert.equal(keeps(text), true, text)
  for (const text of [
    '',
    '#/ union\n',
    '/home union\n',
    '/ bind\n',
    '/\n',
    'union /\n',
    '/ unions\n',
    '/ union\r\n',
    '/etc\n/ link\n',
  ])
    assert.equal(keeps(text), false, text)
})

type Content = { [name: string]: Content } | string

/** A tree of folders, files, "whiteout" and { opaque: … }. */
function treeOf(content: Content): VolumeTree {
  let number = 0
  const node = (name: string, what: Content): TreeNode => {
    number += 1
    const entries = typeof what === 'string' ? [] : Object.entries(what).filter(([key]) => key !== 'opaque')
    const isOpaque = typeof what !== 'string' && 'opaque' in what
    return {
      ...{ name, id: number, sizeBytes: 0, mode: null, ownerId: null, groupId: null, modifiedSeconds: null },
      kind:
        what === 'whiteout'
          ? 'character-device'
          : typeof what === 'string'
            ? what.startsWith('->')
              ? 'symlink'
              : 'file'
            : 'directory',
      target: typeof what === 'string' && what.startsWith('->') ? what.slice(2) : null,
      rdev: what === 'whiteout' ? { major: 0, minor: 0 } : null,
      list: () => ({ entries: entries.map(([key, value]) => node(key, value)), problem: null }),
      xattrs: () => ({ value: new Map(isOpaque ? [['trusted.overlay.opaque', Buffer.from('y')]] : []), problem: null }),
      extents: () => ({ value: null, problem: { code: 'none', detail: 'none' } }),
      open: () => ({ value: null, problem: { code: 'none', detail: 'none' } }),
    }
  }
  return { root: node('', content), foldsCase: false }
}

const filled = { 'modules.dep': 'x' }
const unmerged = { lib: { modules: { '5.5': filled } } }
const merged = { lib: '->usr/lib', usr: { lib: { modules: { '5.5': filled } } } }

const unions: { name: string; upper: Content | null; lower: Content | null; version: string; state: string }[] = [
  { name: 'in the system', upper: {}, lower: unmerged, version: '5.5', state: 'present' },
  { name: 'in the system, behind a link', upper: null, lower: merged, version: '5.5', state: 'present' },
  { name: 'nowhere', upper: {}, lower: unmerged, version: '5.6', state: 'missing' },
  { name: 'among the changes', upper: { lib: { modules: { '5.6': filled } } }, lower: unmerged, version: '5.6', state: 'present' },
  {
    name: 'among the changes, below usr',
    upper: { usr: { lib: { modules: { '5.6': filled } } } },
    lower: merged,
    version: '5.6',
    state: 'present',
  },
  {
    name: 'an empty folder among the changes',
    upper: { lib: { modules: { '5.6': {} } } },
    lower: unmerged,
    version: '5.6',
    state: 'missing',
  },
  { name: 'deleted', upper: { lib: { modules: { '5.5': 'whiteout' } } }, lower: unmerged, version: '5.5', state: 'missing' },
  { name: 'their folder deleted', upper: { lib: { modules: 'whiteout' } }, lower: unmerged, version: '5.5', state: 'missing' },
  {
    name: 'their folder replaced',
    upper: { lib: { modules: { opaque: '', '5.6': filled } } },
    lower: unmerged,
    version: '5.5',
    state: 'missing',
  },
  {
    name: 'the other ones replaced',
    upper: { lib: { modules: { opaque: '', '5.6': filled } } },
    lower: unmerged,
    version: '5.6',
    state: 'present',
  },
  {
    name: 'their files deleted',
    upper: { lib: { modules: { '5.6': { 'modules.dep': 'whiteout' } } } },
    lower: unmerged,
    version: '5.6',
    state: 'missing',
  },
  { name: 'in a system that cannot be read', upper: {}, lower: null, version: '5.5', state: 'unknown' },
]

for (const { name, upper, lower, version, state } of unions) {
  test(`modules ${name}: ${state}`, () => {
    const union = { upper: upper === null ? null : treeOf(upper), lower: lower === null ? null : treeOf(lower), upperHidden: false }
    assert.equal(modulesOf(union, version), state)
  })
}

test('modules that may lie among changes that cannot be read are unknown', () => {
  assert.equal(modulesOf({ upper: null, lower: treeOf(unmerged), upperHidden: true }, '5.6'), 'unknown')
  assert.equal(modulesOf({ upper: null, lower: treeOf(unmerged), upperHidden: true }, '5.5'), 'present')
})
