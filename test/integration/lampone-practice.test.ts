import assert from 'node:assert/strict'
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { lamponeCards } from '../../native-helpers/jobs/demo/lampone.ts'
import { sparseDevice } from '../../native-helpers/jobs/demo/sparse-device.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { lamponeFindings } from '../../native-helpers/systems/lampone/findings.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm() ?? false
const oracles = missingTools('sfdisk', 'fsck.fat', 'e2fsck', 'xorriso', 'unsquashfs', 'blkid', 'dd') ?? false
const MiB = 1024 * 1024

async function made(id: string, folder: string): Promise<string> {
  const card = lamponeCards.find((one) => one.id === id) ?? assert.fail(id)
  const path = join(folder, `${id}.img`)
  writeFileSync(path, '')
  truncateSync(path, card.sizeBytes)
  const device = openFileDevice({ path, writable: true })
  try {
    await card.make(sparseDevice(device))
  } finally {
    device.close()
  }
  return path
}

for (const { id, findings, system } of lamponeCards) {
  test(`the practice card ${id} tells: ${findings.join(', ') || 'nothing'}`, { skip }, async (t) => {
    const path = await made(id, testFolder(t))
    assert.ok(statSync(path).blocks * 512 < 16 * MiB, 'it is small on the disk')
    const device = openFileDevice({ path, writable: false })
    try {
      const report = await readCard(await openCard({ kind: 'file', path, device }))
      assert.equal(report.system?.id, system)
      const told = report.findings.map((finding) => finding.id)
      assert.deepEqual(
        told.filter((one) => one !== 'kernel-updated').sort(),
        findings.filter((one) => one !== 'kernel-updated').sort(),
      )
      for (const one of findings) assert.ok(told.includes(one))
    } finally {
      device.close()
    }
  })
}

for (const { id, findings } of lamponeCards) {
  if (!findings.some((one) => kindOf(one)?.remedy === 'repair')) continue
  test(`a repair of the practice card ${id} leaves nothing that a repair would help with`, { skip }, async (t) => {
    const path = await made(id, testFolder(t))
    const device = openFileDevice({ path, writable: false })
    try {
      const card = await openCard({ kind: 'file', path, device })
      const { draft } = await planChange(card, 'repair', { seconds: 1_700_000_000, options: {} })
      const { size, sectorSize, readSync } = draft.view
      const report = await readCard(await openCard({ kind: 'file', path, device: { size, sectorSize, readSync } }))
      assert.deepEqual(
        report.findings.filter(({ remedy }) => remedy === 'repair'),
        [],
      )
      assert.equal(report.system?.id, 'lampone')
      assert.ok(report.kernels.every(({ modules }) => modules === 'present'))
      draft.close()
    } finally {
      device.close()
    }
  })
}

function kindOf(id: string) {
  return Object.entries(lamponeFindings).find(([one]) => one === id)?.[1]
}

function extracted(path: string, folder: string, start: number, sectors: number): string {
  const part = join(folder, `part-${start}`)
  tool('dd', [`if=${path}`, `of=${part}`, 'bs=512', `skip=${start}`, `count=${sectors}`, 'conv=sparse', 'status=none'])
  return part
}

interface Partition {
  node: string
  start: number
  size: number
}

for (const id of ['lampone-healthy', 'liveng-healthy', 'lampone-updated', 'lampone-full']) {
  test(`what others say of the practice card ${id}`, { skip: skip || oracles }, async (t) => {
    const folder = testFolder(t)
    const path = await made(id, folder)
    assert.match(tool('sfdisk', ['--verify', path]), /No errors detected/)
    const { partitions } = JSON.parse(tool('sfdisk', ['--json', path])).partitiontable as { partitions: Partition[] }
    const seen: string[] = []
    for (const { start, size } of partitions) {
      const named = (tag: string) => tool('blkid', ['-p', '-O', String(start * 512), '-o', 'value', '-s', tag, path]).trim()
      const [type, label] = [named('TYPE'), named('LABEL')]
      seen.push(`${type} ${label}`)
      if (type === 'ext4') tool('e2fsck', ['-f', '-n', `${path}?offset=${start * 512}`])
      if (type === 'vfat') tool('fsck.fat', ['-n', extracted(path, folder, start, size)])
      if (type === 'iso9660') {
        // The rest of the kernel partition is empty.
        const live = join(folder, label)
        tool('xorriso', ['-osirrox', 'on', '-indev', extracted(path, folder, start, 8192), '-extract', '/live', live])
        assert.ok(statSync(join(live, 'vmlinuz')).size > 0)
        if (label.endsWith('2')) continue
        assert.match(tool('unsquashfs', ['-lls', join(live, 'filesystem.squashfs')]), /squashfs-root\/etc\/os-release/)
      }
    }
    const names = id === 'liveng-healthy' ? ['LIVENG_SYSTEM', 'LIVENG_SYSTEM2'] : ['SK-SYSTEM1', 'SK-SYSTEM2']
    assert.deepEqual(seen.sort(), ['ext4 persistence', `iso9660 ${names[0]}`, `iso9660 ${names[1]}`, 'vfat UEFI Boot'].sort())
  })
}
