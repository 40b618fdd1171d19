import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { applied } from '../support/cut-change.ts'
import { fullCheck, namesIn } from '../support/ext-check.ts'
import { memoryDevice } from '../support/file-device.ts'
import { type LamponeCard, makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { startFilesOf, startOf } from '../support/lampone-start.ts'
import { powerCuts } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const notRoot = process.getuid?.() === 0 ? null : 'deleted files are devices, which only root makes'
const skip = cannotWasm() ?? missingTools(...lamponeTools, 'e2fsck') ?? notRoot ?? false

function persistenceOf(bytes: Uint8Array, { persistence }: LamponeCard): BlockDevice {
  return slice(memoryDevice(bytes), persistence.startBytes, persistence.sizeBytes)
}

for (const keep of ['', 'home/user/letter.txt\netc']) {
  const what = keep === '' ? 'all changes' : 'changes of which some are kept'
  test(`power cuts while ${what} are removed: a check finds each file as it was or gone, and all is taken back`, {
    skip,
    timeout: 300_000,
  }, async (t) => {
    const folder = testFolder(t)
    const small = { bootMiB: 4, kernelMiB: 2, persistenceMiB: 12, blockBytes: 1024 } as const
    const made = makeLampone(folder, { layout: 'lampone', upgraded: true, ...small })
    const before = readFileSync(made.path)
    const opened = await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(before) })
    const { card, takenBack } = applied(
      before,
      await planChange(opened, 'reset', { seconds: 1_700_000_000, options: keep === '' ? {} : { keep } }),
      folder,
    )

    const old = namesIn(persistenceOf(before, made))
    const fresh = namesIn(persistenceOf(card.bytes, made))
    assert.ok(old.size > 15)
    const mustStay = [...fresh].filter(([path, sum]) => old.get(path) === sum)
    assert.equal(fresh.has('rw/home/user/letter.txt'), keep !== '')
    assert.ok(mustStay.some(([path]) => path === 'persistence.conf'))
    const starts = [startFilesOf(memoryDevice(before), made.kernel), startFilesOf(card, made.kernel)]

    const part = join(folder, 'part')
    let states = 0
    let clean = 0
    for (const state of powerCuts(before, card.events, { maxTears: 6, allUpTo: 2, samples: 3 })) {
      states += 1
      const started = startOf(memoryDevice(state.card), made, 'efi/boot/grub.cfg')
      assert.ok(started.by === 'default' && starts.includes(started.files), state.what)
      const { startBytes, sizeBytes } = made.persistence
      const left = state.card.subarray(startBytes, startBytes + sizeBytes)
      writeFileSync(part, left)
      // Who says that it was left cleanly is whole.
      if (readExtFacts(memoryDevice(left)).value?.clean) {
        clean += 1
        tool('e2fsck', ['-f', '-n', part])
      }
      fullCheck(part)
      const names = namesIn(memoryDevice(readFileSync(part)))
      for (const [path, sum] of names) assert.equal(sum, old.get(path), `${path} ${state.what}`)
      for (const [path, sum] of mustStay) assert.equal(names.get(path), sum, `${path} ${state.what}`)
      if (states % 6 !== 0) continue
      assert.ok(Buffer.compare(takenBack(state), before) === 0, `taken back ${state.what}`)
    }
    t.diagnostic(`${states} states, ${clean} said to be clean; every sixth taken back; ${card.events.length} writes and flushes`)
    assert.ok(clean > 1 && clean < states)
  })
}
