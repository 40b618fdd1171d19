import assert from 'node:assert/strict'
import { statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { Report, ReportPartition } from '../../native-helpers/contract-report.ts'
import { practiceCards } from '../../native-helpers/jobs/demo/index.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const needs = cannotWasm() ?? missingTools('e2fsck', 'fsck.fat', 'btrfs', 'sfdisk', 'unsquashfs', 'dd')
/** Up to behind its second superblock. */
const emptyBtrfsBytes = 65 * 1024 * 1024
const mostAllocatedBytes = 64 * 1024 * 1024

async function reportOn(path: string): Promise<Report> {
  const device = openFileDevice({ path, writable: false })
  const card = await openCard({ kind: 'file', path, device })
  try {
    return await readCard(card)
  } finally {
    card.close()
    device.close()
  }
}

/** A partition as a file of its own; of one that is empty behind its beginning no more than that is read. */
function cut(card: string, { start, size, fs }: ReportPartition, target: string): void {
  const unit = 1024 * 1024
  const count = fs === 'btrfs' ? Math.min(size, emptyBtrfsBytes) : size
  tool('dd', [`if=${card}`, `of=${target}`, 'bs=1M', `skip=${start / unit}`, `count=${count / unit}`, 'conv=sparse', 'status=none'])
  truncateSync(target, size)
}

/** What the tools that did not make them say of the volumes. */
function checkVolumes(card: string, report: Report, folder: string): void {
  for (const partition of report.partitions) {
    if (partition.fs === 'ext4') tool('e2fsck', ['-f', '-n', `${card}?offset=${partition.start}`])
    if (partition.fs !== 'vfat' && partition.fs !== 'btrfs') continue
    const part = join(folder, `part-${partition.number}.img`)
    cut(card, partition, part)
    if (partition.fs === 'vfat') tool('fsck.fat', ['-n', part])
    else tool('btrfs', ['check', part])
  }
  if (report.table.type !== 'none') tool('sfdisk', ['--verify', card])
}

/** Families whose cards are meant to be whole below what is told of them. */
const wholeFamilies = new Set(['rpi-ab', 'tmpfsroot', 'mode'])

describe('practice cards', { skip: needs ?? false }, () => {
  for (const card of practiceCards.filter(({ system }) => wholeFamilies.has(system))) {
    test(`${card.id} is what it says, small on disk, and sound to other tools`, async (t) => {
      const folder = testFolder(t)
      const { path, allocatedBytes } = await makePracticeCard(card.id, folder, { ifThere: 'number' })
      assert.equal(statSync(path).size, card.sizeBytes)
      assert.ok(allocatedBytes < mostAllocatedBytes, `${allocatedBytes} bytes on disk`)
      const report = await reportOn(path)
      assert.equal(report.system?.id, card.system)
      const ids = report.findings.map(({ id }) => id)
      for (const id of card.findings) assert.ok(ids.includes(id), `${id} is not among ${ids.join(', ')}`)
      const worse = report.findings.filter(({ severity }) => severity !== 'info').map(({ id }) => id)
      if (card.ailment === null) assert.deepEqual(worse, [])
      else assert.ok(worse.length > 0)
      checkVolumes(path, report, folder)
    })
  }

  test('whose modules are laid over each other open with unsquashfs', { skip: missingTools('mcopy') ?? false }, async (t) => {
    const folder = testFolder(t)
    const { path } = await makePracticeCard('mode-healthy', folder, { ifThere: 'number' })
    const module = join(folder, 'base.squashfs')
    tool('mcopy', ['-i', path, '::live/base.squashfs', module], { env: { MTOOLS_SKIP_CHECK: '1' } })
    assert.match(tool('unsquashfs', ['-cat', module, 'usr/lib/os-release']), /bookworm/)
  })
})
