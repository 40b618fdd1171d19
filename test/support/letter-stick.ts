import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { PlannedChange } from '../../native-helpers/systems/plan-change.ts'
import { makeSnapshotStore } from '../../native-helpers/volumes/snapshot-make.ts'
import { pulledVolume } from './dirty-ext.ts'
import { noise } from './memory-device.ts'
import { recordingCard } from './power-cut.ts'
import { testFolder, tool } from './tools.ts'

const MiB = 1024 * 1024
const chunkBytes = 4096
export const letterOverlay = 'LiveOS/overlay-LIVE-1A2B-3C4D'
const uuid = '7b2f3c4d-1111-4222-8333-944455556666'

/** A stick with a packed system, and forty letters in an overlay that a kernel left with a journal to carry out. */
export function letterStick(t: TestContext, filesystem: 'vfat' | 'ext4', sizeMiB: number): Uint8Array {
  const folder = testFolder(t)
  const make = ['-t', 'ext4', '-b', '1024', '-J', 'size=1', '-U', uuid]
  const base = join(folder, 'packed/LiveOS/rootfs.img')
  const live = join(folder, 'stick/LiveOS')
  for (const path of [join(folder, 'packed/LiveOS'), live]) mkdirSync(path, { recursive: true })
  const dirty = pulledVolume(folder, { make, sizeMiB: 8 }, (inside) => {
    tool('sync', ['-f', inside])
    for (let at = 0; at < 40; at += 1) writeFileSync(join(inside, `letter ${at}`), noise(3000 + at * 100, at + 1))
  })
  writeFileSync(base, '')
  truncateSync(base, 8 * MiB)
  tool('mke2fs', ['-q', '-F', ...make, base])
  tool('mksquashfs', [join(folder, 'packed'), join(live, 'squashfs.img'), '-comp', 'gzip', '-noappend', '-no-progress', '-quiet'])
  const [before, after] = [readFileSync(base), readFileSync(dirty)]
  const store = recordingCard(new Uint8Array(2 * MiB))
  const writer = makeSnapshotStore(store)
  for (let at = 0; at < before.length; at += chunkBytes) {
    const chunk = after.subarray(at, at + chunkBytes)
    if (Buffer.compare(before.subarray(at, at + chunkBytes), chunk) !== 0) writer.append(at / chunkBytes, chunk)
  }
  writer.commit()
  writeFileSync(join(folder, 'stick', letterOverlay), store.bytes)
  const card = join(folder, 'card.img')
  writeFileSync(card, '')
  truncateSync(card, sizeMiB * MiB)
  if (filesystem === 'ext4') {
    tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-L', 'LIVE', '-J', 'size=1', '-d', join(folder, 'stick'), card])
  } else {
    tool('mkfs.fat', ['-F', '32', '-s', '1', '-n', 'LIVE', '-i', '1A2B3C4D', card])
    tool('mcopy', ['-s', '-i', card, live, '::/'], { env: { MTOOLS_SKIP_CHECK: '1' } })
  }
  return readFileSync(card)
}

/** Of all that a plan would write, to see that it is made up the same twice. */
export function writtenOf({ draft, groups }: Pick<PlannedChange, 'draft' | 'groups'>): string {
  const hash = createHash('sha256')
  for (const { offset, lengthBytes, meanwhile } of groups.flatMap(({ ranges }) => ranges)) {
    const bytes = new Uint8Array(lengthBytes)
    draft.view.readSync(bytes, offset)
    hash.update(`${offset} ${lengthBytes}`).update(meanwhile ?? bytes)
  }
  return hash.digest('hex')
}
