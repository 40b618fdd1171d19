import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import type { Report, ReportOverlay } from '../../native-helpers/contract-report.ts'
import { linuxView } from '../../native-helpers/systems/liveos/linux-view.ts'
import { openLiveImage } from '../../native-helpers/systems/liveos/live-image.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { fixtureImage, fixtureOverlay, idsOf, inspected, liveosTools, makeStick, stickFiles } from '../support/liveos.ts'
import { missingTools, tool } from '../support/tools.ts'

interface Truth {
  base: { inner: string; inner_sectors: number }
  overlays: Record<
    string,
    {
      dmsetup_status: string
      on_disk: { exceptions: number; allocated: number; metadata: number; total: number }
      files_noload_sha256: Record<string, string>
    }
  >
}

const truth = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url)), 'utf8'),
) as Truth
const needs = missingTools(...liveosTools) ?? false

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'livecard-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

function only(report: Report): ReportOverlay {
  const [overlay, ...others] = report.overlays
  assert.ok(overlay && others.length === 0)
  return overlay
}

const states: Record<string, ReportOverlay['state']> = {
  fresh: 'ok',
  half: 'ok',
  'full-invalid': 'invalid',
  'full-flipped': 'full',
  recovered: 'ok',
}

for (const [name, { dmsetup_status: status, on_disk: onDisk }] of Object.entries(truth.overlays)) {
  const checkStore = (overlay: ReportOverlay) => {
    const { snapshot } = overlay
    assert.ok(snapshot)
    assert.equal(snapshot.dmsetupStatus, status)
    assert.deepEqual(
      [snapshot.exceptions, snapshot.allocatedSectors, snapshot.metadataSectors, snapshot.totalSectors, snapshot.originSectors],
      [onDisk.exceptions, onDisk.allocated, onDisk.metadata, onDisk.total, truth.base.inner_sectors],
    )
    assert.equal(snapshot.valid, name === 'full-invalid' ? 0 : 1)
    assert.equal(overlay.state, states[name])
    assert.deepEqual([overlay.usedBytes, overlay.totalBytes], [onDisk.allocated * 512, onDisk.total * 512])
    const { map } = snapshot
    assert.ok(map && map.cells.length <= 2048 && map.cells.length * map.cellBytes >= map.originBytes)
    const copied = map.cells.reduce((sum, share) => sum + share * map.cellBytes, 0)
    assert.equal(Math.round(copied / 4096), onDisk.exceptions)
  }

  test(`the overlay "${name}" of a kernel is told of as the kernel told of it, on a stick`, { skip: needs }, async () => {
    const stick = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay(name) }))
    const report = await inspected(stick)
    assert.equal(report.system?.id, 'liveos')
    assert.equal(report.system?.generation, 'ext4 in squashfs')
    const overlay = only(report)
    assert.equal(overlay.path, 'LiveOS/overlay-LIVE-1A2B-3C4D')
    assert.equal(overlay.partition, 1)
    checkStore(overlay)
    assert.equal(
      report.findings.some(({ id }) => id === 'overlay-invalid'),
      name === 'full-invalid',
    )
    assert.equal(
      report.findings.some(({ id }) => id === 'overlay-full'),
      name === 'full-flipped',
    )
    // The small system of these images has no modules for any kernel.
    if (states[name] === 'ok') assert.deepEqual(idsOf(report.findings), ['liveos-modules-missing'])
  })

  test(`the overlay "${name}" is told of by itself too, with its image and without`, async () => {
    const path = join(folder, `${name}.overlay`)
    writeFileSync(path, fixtureOverlay(name))
    const report = await inspected(path, fixtureImage)
    assert.deepEqual([report.target.kind, report.system?.id], ['overlay', 'liveos'])
    checkStore(only(report))
    const alone = only(await inspected(path))
    assert.equal(alone.snapshot?.dmsetupStatus, null)
    assert.equal(alone.snapshot?.exceptions, onDisk.exceptions)
    assert.equal(alone.state, states[name])
    assert.equal(alone.filesystem, null)
  })
}

/** The filesystem that a kernel sees through the overlay, made with its own bytes by dd. */
function mergedImage(name: string): string {
  const sources = join(folder, 'unpacked')
  rmSync(sources, { recursive: true, force: true })
  tool('unsquashfs', ['-q', '-n', '-d', sources, fixtureImage])
  const merged = join(sources, truth.base.inner)
  const store = fixtureOverlay(name)
  const bytes = readFileSync(merged)
  for (let area = 1; area * 4096 < store.length; area += 257) {
    for (let entry = 0; entry < 256; entry += 1) {
      const at = area * 4096 + entry * 16
      const copy = Number(store.readBigUInt64LE(at + 8))
      if (copy !== 0) store.copy(bytes, Number(store.readBigUInt64LE(at)) * 4096, copy * 4096, (copy + 1) * 4096)
    }
  }
  writeFileSync(merged, bytes)
  return merged
}

for (const name of ['fresh', 'half', 'full-flipped', 'recovered']) {
  test(`the filesystem seen through "${name}" is the one that e2fsck finds after the journal`, { skip: needs }, async () => {
    const path = join(folder, `${name}.overlay`)
    writeFileSync(path, fixtureOverlay(name))
    const { filesystem } = only(await inspected(path, fixtureImage))
    assert.ok(filesystem)
    const merged = mergedImage(name)
    const before = tool('dumpe2fs', ['-h', merged])
    assert.equal(filesystem.needsRecovery, /^Filesystem features:.*needs_recovery/m.test(before))
    assert.equal(filesystem.clean, /^Filesystem state: +clean$/m.test(before))
    try {
      execFileSync('e2fsck', ['-E', 'journal_only', '-y', merged], {
        stdio: 'ignore',
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      })
    } catch {
      // It says by its exit code that it did something.
    }
    const groups = [...tool('dumpe2fs', [merged]).matchAll(/^ {2}(\d+) free blocks/gm)]
    const free = groups.reduce((sum, [, count]) => sum + Number(count), 0)
    assert.equal(filesystem.totalBytes, truth.base.inner_sectors * 512)
    assert.equal(filesystem.totalBytes - filesystem.usedBytes, free * 4096)
  })
}

test('how much room the journal needs is what the kernel then used when it recovered', async () => {
  const path = join(folder, 'full.overlay')
  writeFileSync(path, fixtureOverlay('full-flipped'))
  const { findings } = await inspected(path, fixtureImage)
  const detail = findings.find(({ id }) => id === 'overlay-replay-no-room')?.detail
  const count = (name: string) => truth.overlays[name]?.on_disk.exceptions ?? 0
  const used = count('recovered') - count('full-flipped')
  assert.match(detail ?? '', new RegExp(`its journal changes ${used} blocks that have no copy yet, and there is room for 0\\.`))
  writeFileSync(path, Buffer.concat([fixtureOverlay('full-flipped'), Buffer.alloc(1024 * 1024)]))
  const enlarged = await inspected(path, fixtureImage)
  assert.equal(only(enlarged).filesystem?.needsRecovery, true)
  assert.deepEqual(
    enlarged.findings.map(({ id }) => id).filter((id) => id.startsWith('overlay-')),
    ['overlay-nearly-full', 'overlay-filesystem-journal'],
  )
})

/** Of every file below /home and /etc, as a system would read it that has mounted the overlay. */
async function filesSeen(name: string): Promise<Map<string, string>> {
  const base = openFileDevice({ path: fixtureImage, writable: false })
  try {
    const { value: image } = await openLiveImage(base)
    const store = memoryDevice(fixtureOverlay(name))
    const exceptions = readSnapshotStore(store).value?.exceptions
    assert.ok(image?.origin && exceptions)
    const { value: view } = linuxView(mergedDevice(image.origin.device, store, exceptions))
    assert.ok(view)
    const sums = new Map<string, string>()
    for (const top of ['home', 'etc']) {
      const root = findNode(view.tree, top)
      assert.ok(root)
      const problems = walkTree({ root, foldsCase: false }, (path, node) => {
        if (node.kind !== 'file') return
        const { value: device } = node.open()
        assert.ok(device)
        const bytes = new Uint8Array(device.size)
        device.readSync(bytes, 0)
        sums.set(`${top}/${path}`, createHash('sha256').update(bytes).digest('hex'))
      })
      assert.deepEqual(problems, [])
    }
    return sums
  } finally {
    base.close()
  }
}

test('the files seen through an overlay are the ones that a kernel read, those that only the journal knows too', async () => {
  const known = (name: string) => new Map(Object.entries(truth.overlays[name]?.files_noload_sha256 ?? {}))
  for (const name of ['half', 'recovered']) {
    const seen = await filesSeen(name)
    for (const [path, sum] of known(name)) assert.equal(seen.get(path), sum, `${name}: ${path}`)
  }
  const before = known('full-flipped')
  const recovered = known('recovered')
  assert.ok(recovered.size > before.size)
  const seen = await filesSeen('full-flipped')
  assert.deepEqual([...seen.keys()].sort(), [...(await filesSeen('recovered')).keys()].sort())
  for (const [path, sum] of recovered) assert.equal(seen.get(path), sum, path)
})
