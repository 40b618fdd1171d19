import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCard } from '../../native-helpers/systems/card.ts'
import { ChangeDraft } from '../../native-helpers/systems/change.ts'
import { fileOnStick } from '../../native-helpers/systems/liveos/store-file.ts'
import { memoryDevice } from '../support/file-device.ts'
import { blank } from '../support/liveos.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools('mke2fs', 'e2fsck', 'debugfs') ?? cannotWasm() ?? false
const MiB = 1024 * 1024

test('an overlay of holes, as livecd-iso-to-disk makes it on ext4, gets blocks where it is written to', { skip }, async (t) => {
  const folder = testFolder(t)
  const files = join(folder, 'files')
  mkdirSync(join(files, 'LiveOS'), { recursive: true })
  blank(join(files, 'LiveOS/overlay'), 8 * MiB)
  const card = join(folder, 'card.img')
  blank(card, 32 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', files, card])
  const device = memoryDevice(readFileSync(card))
  const opened = await openCard({ kind: 'file', path: card, device })
  const [volume] = opened.volumes
  assert.ok(volume)
  const draft = new ChangeDraft(device)
  t.after(() => draft.close())
  const file = await fileOnStick(volume, 'LiveOS/overlay', draft, 1_700_000_000)
  assert.ok(file)
  const expected = Buffer.alloc(10 * MiB)
  const write = (target: typeof file.device, length: number, offset: number) => {
    const bytes = noise(length, offset + 1)
    target.writeSync?.(bytes, offset)
    expected.set(bytes, offset)
  }
  write(file.device, 5000, 0)
  write(file.device, 300_000, 3 * MiB + 77)
  write(file.device, 4096, 3 * MiB + 4096)
  const seen = new Uint8Array(8 * MiB)
  file.device.readSync(seen, 0)
  assert.ok(expected.subarray(0, seen.length).equals(seen))
  write(file.grow(10 * MiB), 200_000, 9 * MiB)
  file.settle?.()
  const whole = new Uint8Array(draft.view.size)
  draft.view.readSync(whole, 0)
  writeFileSync(card, whole)
  tool('e2fsck', ['-f', '-n', card])
  tool('debugfs', ['-R', `dump /LiveOS/overlay ${join(folder, 'dumped')}`, card])
  assert.ok(readFileSync(join(folder, 'dumped')).equals(expected))
})
