import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { applied } from '../support/cut-change.ts'
import { memoryDevice } from '../support/file-device.ts'
import { type LamponeCard, type LamponeOptions, makeLampone } from '../support/lampone.ts'
import { deleteMenus, overwrite } from '../support/lampone-damage.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { startFilesOf, startOf } from '../support/lampone-start.ts'
import { powerCuts } from '../support/power-cut.ts'
import { missingTools, testFolder } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm() ?? missingTools(...lamponeTools, 'mdel') ?? false

interface Case {
  name: string
  options: LamponeOptions
  damage?: (card: LamponeCard) => void
  ask?: Record<string, string>
  /** What the card starts by itself, at whatever moment the power fails. "fallback": the repair entry, or the usual one. */
  starts: 'always' | 'fallback'
}

const small = { bootMiB: 4, kernelMiB: 2, persistenceMiB: 4 }
const cases: Case[] = [
  {
    name: 'a kernel that has lost its drivers',
    options: { ...small, layout: 'lampone', upgraded: true, changes: 'empty' },
    starts: 'always',
  },
  {
    name: 'another kernel that is asked for, the first one in the way',
    options: { ...small, layout: 'liveng', upgraded: true },
    ask: { 'kernel-from': 'system' },
    starts: 'always',
  },
  {
    name: 'two partitions with the same identity',
    options: { ...small, layout: 'lampone', dates: { system: '2020061412301100', kernel: '2020061412301100' } },
    starts: 'always',
  },
  {
    name: 'a half-written kernel and a fallback that leads nowhere',
    options: { ...small, layout: 'lampone', upgraded: true, fallback: 2 },
    damage: ({ path, kernel }) => overwrite(path, kernel.startBytes + 64 * 1024, Buffer.alloc(40_000, 'torn')),
    starts: 'fallback',
  },
  {
    name: 'a boot menu that was lost',
    options: { ...small, layout: 'lampone' },
    damage: deleteMenus,
    starts: 'fallback',
  },
  {
    name: 'a kernel that has no room beside the old one',
    options: { ...small, layout: 'liveng', upgraded: true, initrdBytes: 1_650_000 },
    ask: { 'kernel-from': 'system' },
    starts: 'fallback',
  },
]

const context = { seconds: 1_700_000_000 }

async function planned(bytes: Uint8Array, options: Record<string, string>) {
  const opened = await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(bytes) })
  return planChange(opened, 'repair', { ...context, options })
}

for (const { name, options, damage, ask = {}, starts } of cases) {
  test(`power cuts at every write for ${name}: the card starts, and all is taken back`, { skip, timeout: 300_000 }, async (t) => {
    const folder = testFolder(t)
    const made = makeLampone(folder, options)
    damage?.(made)
    const before = readFileSync(made.path)
    const { card, takenBack } = applied(before, await planned(before, ask), folder)
    assert.ok(card.events.length > 0)

    const menus = made.boot.number === 1 ? ['efi/boot/grub.cfg'] : ['efi/boot/grub.cfg', 'boot/grub/grub.cfg']
    const system = startFilesOf(memoryDevice(before), made.system)
    const [old, fresh] = [startFilesOf(memoryDevice(before), made.kernel), startFilesOf(card, made.kernel)]
    assert.ok(system !== null && fresh !== null)
    for (const menu of menus) assert.deepEqual(startOf(card, made, menu), { by: 'default', files: fresh })

    let states = 0
    for (const state of powerCuts(before, card.events, { maxTears: 16, allUpTo: 4, samples: 6 })) {
      states += 1
      const device = memoryDevice(state.card)
      for (const menu of menus) {
        const { by, files } = startOf(device, made, menu)
        if (starts === 'always') {
          assert.equal(by, 'default', `${menu} ${state.what}`)
          assert.ok(files === old || files === fresh || files === system, `${menu} ${state.what}`)
        } else if (by === 'fallback') assert.equal(files, system, `${menu} ${state.what}`)
      }
      if (states % 5 !== 0) continue
      assert.equal(Buffer.compare(takenBack(state), before), 0, `taken back ${state.what}`)
    }
    t.diagnostic(`${states} states, every fifth taken back; ${card.events.length} writes and flushes`)
  })
}
