import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Report } from '../../native-helpers/contract-report.ts'
import { liveosCards } from '../../native-helpers/jobs/demo/liveos.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { inspected } from '../support/liveos.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const needs = cannotWasm() ?? missingTools('e2fsck', 'debugfs', 'fsck.fat', 'sfdisk', 'unsquashfs', 'mcopy', 'dd')
const MiB = 1024 * 1024
const chunkBytes = 4096
const mostAllocatedBytes = 16 * MiB
/** Whatever the size of the stick: an overlay of 512 MiB has 512 places to look at, and the filesystem in the image a few. */
const mostReadBytes = 16 * MiB
/** Taking a card apart takes long; the others are made in the same way. */
const takenApart = new Set(['liveos-flat', 'liveos-full'])

/** The FAT of the card as a file of its own, and what lies in its folder LiveOS, all sparse. */
function taken(card: string, report: Report, folder: string): string {
  const [partition] = report.partitions
  assert.ok(partition)
  const fat = join(folder, 'fat.img')
  const count = partition.size / MiB
  tool('dd', [`if=${card}`, `of=${fat}`, 'bs=1M', `skip=${partition.start / MiB}`, `count=${count}`, 'conv=sparse', 'status=none'])
  tool('fsck.fat', ['-n', fat])
  tool('sfdisk', ['--verify', card])
  tool('mcopy', ['-s', '-i', fat, '::LiveOS', folder], { env: { MTOOLS_SKIP_CHECK: '1' } })
  return join(folder, 'LiveOS')
}

function nameOf(folder: string, start: string): string {
  const name = readdirSync(folder).find((one) => one.startsWith(start))
  assert.ok(name)
  return join(folder, name)
}

/** The filesystem that a system sees on such a stick, put together without the code of this program. */
function mergedImage(live: string): string {
  tool('unsquashfs', ['-q', '-n', '-d', join(live, 'root'), join(live, 'squashfs.img')])
  const merged = join(live, 'root/LiveOS/rootfs.img')
  const store = readFileSync(nameOf(live, 'overlay-'))
  const file = openSync(merged, 'r+')
  for (let area = 1; area * chunkBytes < store.length; area += 257) {
    for (let entry = 0; entry < 256; entry += 1) {
      const at = area * chunkBytes + entry * 16
      const copy = Number(store.readBigUInt64LE(at + 8))
      if (copy === 0) continue
      writeSync(file, store, copy * chunkBytes, chunkBytes, Number(store.readBigUInt64LE(at)) * chunkBytes)
    }
  }
  closeSync(file)
  return merged
}

function e2fsck(image: string, mode: string): { code: number | null; text: string } {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-f', mode, image], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  })
  return { code: status, text: stdout + stderr }
}

describe('practice cards of LiveOS sticks', { skip: needs ?? false }, () => {
  for (const card of liveosCards) {
    test(`${card.id} is what it says, small on disk, and sound to other tools`, async (t) => {
      const folder = testFolder(t)
      const { path, allocatedBytes } = await makePracticeCard(card.id, folder, { ifThere: 'number' })
      assert.equal(statSync(path).size, card.sizeBytes)
      assert.ok(allocatedBytes < mostAllocatedBytes, `${allocatedBytes} bytes on disk`)
      const report = await inspected(path)
      assert.equal(report.system?.id, 'liveos')
      assert.ok(report.reading.bytesRead < mostReadBytes, `${report.reading.bytesRead} bytes read`)
      const ids = report.findings.map(({ id }) => id)
      if (card.ailment === null) assert.deepEqual(ids, [])
      else assert.deepEqual(ids.sort(), [...card.findings].sort())
      if (!takenApart.has(card.id)) return
      const live = taken(path, report, folder)
      if (card.id === 'liveos-flat') {
        assert.deepEqual(e2fsck(nameOf(live, 'overlay-'), '-n').code, 0)
        assert.match(tool('unsquashfs', ['-cat', join(live, 'squashfs.img'), 'etc/os-release']), /Sugar on a Stick/)
        return
      }
      assert.equal(e2fsck(nameOf(live, 'home.img'), '-n').code, 0)
      assert.equal(readFileSync(nameOf(live, 'overlay-')).subarray(0, 16).toString('hex'), '536e4170010000000100000008000000')
      const merged = mergedImage(live)
      const filesystem = report.overlays[0]?.filesystem
      assert.equal(filesystem?.needsRecovery, true)
      const letter = 'cat /desk/last-letter.txt'
      assert.doesNotMatch(tool('debugfs', ['-R', letter, merged]), /when the power failed/)
      assert.match(e2fsck(merged, '-p').text, /recovering journal/)
      assert.equal(tool('debugfs', ['-R', letter, merged]), 'This was saved when the power failed.\n'.repeat(500))
      const check = e2fsck(merged, '-n')
      assert.equal(check.code, 0, check.text)
      assert.match(tool('debugfs', ['-R', 'cat /home/liveuser/Documents/letter.txt', merged]), /must not be lost/)
      const free = [...tool('dumpe2fs', [merged]).matchAll(/^ {2}(\d+) free blocks/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
      assert.equal((filesystem?.totalBytes ?? 0) - (filesystem?.usedBytes ?? 0), free * 4096)
    })
  }
})
