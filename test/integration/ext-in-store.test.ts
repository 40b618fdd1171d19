/** The files of a live system's overlay, without a kernel: squashfs image, snapshot store, ext volume, journal. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { digest } from '../support/tree-facts.ts'

interface Truth {
  base: { file: string; inner: string; inner_sectors: number }
  /** What the kernel showed of each overlay when it was mounted without a replay. */
  overlays: Record<string, { files_noload_sha256: Record<string, string> | null }>
}

const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))
const truth = JSON.parse(readFileSync(join(fixtures, 'truth.json'), 'utf8')) as Truth

function origin(t: TestContext): BlockDevice {
  const root = join(testFolder(t), 'root')
  tool('unsquashfs', ['-q', '-n', '-d', root, join(fixtures, truth.base.file), truth.base.inner])
  return memoryDevice(readFileSync(join(root, truth.base.inner)))
}

function merged(base: BlockDevice, name: string): BlockDevice {
  const store = memoryDevice(zstdDecompressSync(readFileSync(join(fixtures, `${name}.overlay.zst`))))
  const { value } = readSnapshotStore(store, base.size)
  return mergedDevice(base, store, value?.exceptions ?? assert.fail(name))
}

/** Below usr/ everything is as in the image, and was not noted. */
function files(device: BlockDevice): Record<string, string> {
  const { value } = openExt(device)
  const found: Record<string, string> = {}
  const problems = walkTree(value?.tree ?? assert.fail('no volume'), (path, node) => {
    if (node.kind === 'file' && !path.startsWith('usr/')) found[path] = digest(node.open().value ?? assert.fail(path))
  })
  assert.deepEqual(problems, [])
  return found
}

const filesOf = (name: string) => truth.overlays[name]?.files_noload_sha256 ?? assert.fail(name)

test('the files of each overlay are those that the kernel shows', { skip: missingTools('unsquashfs') ?? false }, (t) => {
  const base = origin(t)
  for (const [name, { files_noload_sha256: expected }] of Object.entries(truth.overlays))
    if (expected) assert.deepEqual(files(merged(base, name)), expected, name)
})

test('an overlay that is full holds the files that its recovery brings back', {
  skip: missingTools('unsquashfs') ?? false,
}, (t) => {
  const { value: view } = replayedInMemory(merged(origin(t), 'full-flipped'))
  assert.ok(view && view.transactions > 0)
  assert.deepEqual(view.problems, [])
  assert.ok(Object.keys(filesOf('full-flipped')).length < Object.keys(filesOf('recovered')).length)
  assert.deepEqual(files(view.device), filesOf('recovered'))
})
