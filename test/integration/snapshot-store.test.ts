import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { dmsetupStatus, readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, tool } from '../support/tools.ts'

interface Truth {
  base: { file: string; inner: string; inner_sha256: string; inner_sectors: number }
  overlays: Record<
    string,
    {
      size: number
      sha256: string
      dmsetup_status: string
      merged_sha256_kernel: string | null
      on_disk: { exceptions: number; area: number; allocated: number; metadata: number; total: number }
    }
  >
}

const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))
const truth = JSON.parse(readFileSync(join(fixtures, 'truth.json'), 'utf8')) as Truth
const needs = missingTools('unsquashfs')

function overlay(name: string): Uint8Array {
  return zstdDecompressSync(readFileSync(join(fixtures, `${name}.overlay.zst`)))
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function deviceSha256(device: BlockDevice): string {
  const hash = createHash('sha256')
  const piece = new Uint8Array(4 * 1024 * 1024)
  for (let at = 0; at < device.size; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, device.size - at))
    device.readSync(part, at)
    hash.update(part)
  }
  return hash.digest('hex')
}

let folder = ''
let origin: BlockDevice | null = null

before(() => {
  if (needs) return
  folder = mkdtempSync(join(tmpdir(), 'livecard-'))
  tool('unsquashfs', ['-q', '-n', '-d', join(folder, 'root'), join(fixtures, truth.base.file), truth.base.inner])
  const inner = readFileSync(join(folder, 'root', truth.base.inner))
  assert.equal(sha256(inner), truth.base.inner_sha256)
  origin = memoryDevice(inner)
})
after(() => {
  if (folder) rmSync(folder, { recursive: true, force: true })
})

for (const [name, expected] of Object.entries(truth.overlays)) {
  test(`the status of the overlay "${name}" is the kernel's, to the character`, () => {
    const bytes = overlay(name)
    assert.equal(sha256(bytes), expected.sha256)
    const { value: store } = readSnapshotStore(memoryDevice(bytes), truth.base.inner_sectors * 512)
    assert.ok(store)
    assert.equal(dmsetupStatus(store, truth.base.inner_sectors), expected.dmsetup_status)
    assert.deepEqual(
      {
        exceptions: store.exceptions.count,
        area: store.exceptions.currentArea,
        allocated: Number(store.allocatedSectors),
        metadata: store.metadataSectors,
        total: store.totalSectors,
      },
      expected.on_disk,
    )
    assert.deepEqual(store.exceptions.damage, [])
  })

  test(`a system on the overlay "${name}" sees the kernel's bytes`, { skip: needs ?? false }, () => {
    assert.ok(origin)
    // The kernel lets nobody read an invalid store; the flipped one differs from it in that one byte.
    const merged = expected.merged_sha256_kernel ?? truth.overlays['full-flipped']?.merged_sha256_kernel
    const device = memoryDevice(overlay(name))
    const { value: store } = readSnapshotStore(device, origin.size)
    assert.ok(store)
    assert.equal(deviceSha256(mergedDevice(origin, device, store.exceptions)), merged)
  })
}
