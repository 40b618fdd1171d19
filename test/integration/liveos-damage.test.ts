import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { report as reportSchema } from '../../native-helpers/contract-report.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { fatUuid, liveosTools, makeStick, overlayImage, stickFiles, systemImage } from '../support/liveos.ts'
import { missingTools, seeded } from '../support/tools.ts'

const MiB = 1024 * 1024
const partitionStart = 4 * MiB
const needs = missingTools(...liveosTools) ?? false
const mostMilliseconds = 5000

let folder = ''
const sticks: { name: string; bytes: Buffer; files: Map<string, number> }[] = []

before(() => {
  if (needs) return
  folder = mkdtempSync(join(tmpdir(), 'livecard-'))
  for (const [name, kind, overlay] of [
    ['with a store', 'nested', Buffer.alloc(2 * MiB)],
    ['with an image for the changes', 'flat-erofs', overlayImage(folder)],
  ] as const) {
    const path = makeStick(folder, stickFiles(folder, { image: systemImage(folder, kind), overlay }), { sizeMiB: 40 })
    const bytes = readFileSync(path)
    const fat = openFat(memoryDevice(bytes.subarray(partitionStart))).value
    assert.ok(fat)
    const place = (file: string) => partitionStart + (findNode(fat, file)?.extents().value?.[0]?.start ?? 0)
    const names = [
      'LiveOS/squashfs.img',
      `LiveOS/overlay-LIVE-${fatUuid}`,
      'syslinux/syslinux.cfg',
      'EFI/BOOT/grub.cfg',
      'syslinux/vmlinuz',
    ]
    sticks.push({ name, bytes, files: new Map(names.map((file) => [file, place(file)])) })
  }
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function look(device: BlockDevice): Promise<string[]> {
  const started = performance.now()
  const card = await openCard({ kind: 'file', path: 'card', device })
  const told = await readCard(card)
  reportSchema.parse(told)
  assert.ok(performance.now() - started < mostMilliseconds)
  return told.findings.map(({ id }) => id)
}

test('a stick that is damaged anywhere still gets a report that says so', { skip: needs }, async () => {
  const random = seeded(11)
  for (const { name, bytes, files } of sticks) {
    const hot = [partitionStart, partitionStart + 32 * 512, ...files.values()]
    for (let count = 0; count < 60; count += 1) {
      const changes: string[] = []
      const before: [at: number, bytes: Buffer][] = []
      for (let change = 0; change < 1 + random() * 3; change += 1) {
        const at = (hot[Math.floor(random() * hot.length)] ?? 0) + Math.floor(random() ** 3 * 20_000)
        const length = 1 + Math.floor(random() ** 4 * 600)
        before.unshift([at, Buffer.from(bytes.subarray(at, at + length))])
        for (let index = 0; index < length; index += 1) bytes[at + index] = random() < 0.3 ? 0xff : Math.floor(random() * 256)
        changes.push(`${length} at ${at}`)
      }
      const ids = await look(memoryDevice(bytes))
      for (const [at, sound] of before) sound.copy(bytes, at)
      const unexpected = ids.filter((id) => id === 'system-incomplete' || id === 'system-unread')
      assert.deepEqual(unexpected, [], `${name}: ${changes.join(', ')}`)
    }
  }
})

test('one place that cannot be read does not hide the rest', { skip: needs }, async () => {
  const [stick] = sticks
  assert.ok(stick)
  const failing = (from: number, to: number): BlockDevice => {
    const below = memoryDevice(stick.bytes)
    return {
      ...below,
      readSync(into, offset) {
        if (offset < to && offset + into.length > from)
          throw new LivecardError('failed', 'drive-io', {
            message: 'The card failed while reading.',
            meaning: 'It is worn.',
            next: 'Take another.',
          })
        below.readSync(into, offset)
      },
    }
  }
  const expected: [file: string, id: string][] = [
    ['LiveOS/squashfs.img', 'liveos-image-damaged'],
    [`LiveOS/overlay-LIVE-${fatUuid}`, 'liveos-file-damaged'],
    ['syslinux/syslinux.cfg', 'liveos-file-damaged'],
    ['EFI/BOOT/grub.cfg', 'liveos-file-damaged'],
    ['syslinux/vmlinuz', 'liveos-kernel-damaged'],
  ]
  for (const [file, id] of expected) {
    const at = stick.files.get(file) ?? 0
    const ids = await look(failing(at, at + 512))
    assert.ok(ids.includes(id), `${file}: ${ids.join(', ')}`)
    assert.ok(!ids.includes('system-incomplete'), file)
  }
})
