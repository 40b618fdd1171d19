import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Folders, type TreeEntry, tickedPaths, tickOf, toggled, treeRows } from '../../renderer/state/file-tree.ts'

function entry(path: string, kind: TreeEntry['kind'] = 'file'): TreeEntry {
  return { path, name: path.split('/').at(-1) ?? '', kind, sizeBytes: 1, files: 1 }
}

const folders: Folders = {
  rw: { entries: [entry('rw/etc', 'folder'), entry('rw/home', 'folder'), entry('rw/.x')], truncated: false },
  'rw/etc': { entries: [entry('rw/etc/fstab'), entry('rw/etc/hosts')], truncated: false },
  'rw/home': { entries: [entry('rw/home/me', 'folder')], truncated: false },
}
const roots = ['rw', 'home']
const all = new Map([['rw', true]])
const paths = (ticks: ReadonlyMap<string, boolean>) => tickedPaths(ticks, roots, folders)

test('a folder is ticked with all in it, and taking one out leaves the others', () => {
  assert.deepEqual(paths(all), ['rw'])
  assert.equal(tickOf(all, 'rw/etc/fstab'), true)
  const without = toggled(all, 'rw/etc/fstab', folders)
  assert.deepEqual(
    ['rw', 'rw/etc', 'rw/etc/fstab', 'rw/etc/hosts'].map((path) => tickOf(without, path)),
    ['mixed', 'mixed', false, true],
  )
  assert.deepEqual(paths(without), ['rw/etc/hosts', 'rw/home', 'rw/.x'])
})

test('a folder becomes whole with its last entry, and empty with it', () => {
  let ticks: ReadonlyMap<string, boolean> = new Map()
  for (const path of ['rw/etc/fstab', 'rw/etc/hosts', 'rw/home/me']) ticks = toggled(ticks, path, folders)
  assert.deepEqual(paths(ticks), ['rw/etc', 'rw/home'])
  ticks = toggled(ticks, 'rw/.x', folders)
  assert.deepEqual(paths(ticks), ['rw'])
  for (const path of ['rw/.x', 'rw/home', 'rw/etc/hosts', 'rw/etc/fstab']) ticks = toggled(ticks, path, folders)
  assert.deepEqual([paths(ticks), tickOf(ticks, 'rw')], [[], false])
})

test('a folder of which a part is ticked is ticked whole first, and names that begin alike are told apart', () => {
  const part = toggled(new Map(), 'rw/etc/hosts', folders)
  assert.deepEqual(paths(toggled(part, 'rw', folders)), ['rw'])
  assert.equal(tickOf(toggled(new Map(), 'rw/home/me', folders), 'rw/ho'), false)
  assert.deepEqual(paths(toggled(all, 'home', folders)), ['rw', 'home'])
})

test('rows are those of open folders whose entries are known, each with its place', () => {
  const rows = treeRows([entry('rw', 'folder'), entry('home', 'folder')], new Set(['rw', 'rw/etc', 'home']), folders)
  assert.deepEqual(
    rows.map(({ entry: { path }, level, position, size }) => `${path} ${level} ${position}/${size}`),
    ['rw 1 1/2', 'rw/etc 2 1/3', 'rw/etc/fstab 3 1/2', 'rw/etc/hosts 3 2/2', 'rw/home 2 2/3', 'rw/.x 2 3/3', 'home 1 2/2'],
  )
})
