import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { applied } from '../support/cut-change.ts'
import { fullCheck, namesIn } from '../support/ext-check.ts'
import { memoryDevice } from '../support/file-device.ts'
import { type LamponeCard, makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { startFilesOf } from '../support/lampone-start.ts'
import { powerCuts } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const notRoot = process.getuid?.() === 0 ? null : 'deleted files are devices, which only root makes'
const skip = cannotWasm() ?? missingTools(...lamponeTools, 'e2fsck', 'sfdisk') ?? notRoot ?? false
const MiB = 1024 * 1024
/** What the first and the second copy of a GPT take, and more. */
const endBytes = 40 * 512

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/** As sfdisk finds it, by either copy of the table. */
function fourthOf(path: string): { start: number; size: number } {
  const { partitiontable } = JSON.parse(tool('sfdisk', ['--json', path]))
  const fourth = partitiontable.partitions.find(({ node }: { node: string }) => node.endsWith('4'))
  return { start: fourth.start * 512, size: fourth.size * 512 }
}

for (const layout of ['lampone', 'liveng'] as const) {
  test(`${layout}: power cuts at every write of enlarging: partition 4 is there, old or new, with every file`, {
    skip,
    timeout: 300_000,
  }, async (t) => {
    const folder = testFolder(t)
    // With blocks of 1 KiB even this one has a copy of its superblock, and gets more groups of them.
    const small = { bootMiB: 4, kernelMiB: 2, persistenceMiB: 12, blockBytes: 1024 } as const
    const made: LamponeCard = makeLampone(folder, { layout, upgraded: true, ...small })
    const { startBytes, sizeBytes } = made.persistence
    truncateSync(made.path, startBytes + sizeBytes + 21 * MiB)
    const before = readFileSync(made.path)
    const opened = await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(before) })
    const { card, takenBack } = applied(
      before,
      await planChange(opened, 'enlarge', { seconds: 1_700_000_000, options: { to: 'max' } }),
      folder,
    )

    const partOf = (bytes: Uint8Array, size: number) => memoryDevice(bytes.subarray(startBytes, startBytes + size))
    const files = namesIn(partOf(before, sizeBytes))
    const kernel = startFilesOf(memoryDevice(before), made.kernel)
    const [path, part] = [join(folder, 'card'), join(folder, 'part')]
    const sizes = new Map<number, number>()
    const tables = new Map<string, { start: number; size: number }>()
    let states = 0
    for (const state of powerCuts(before, card.events, { maxTears: 7, allUpTo: 2, samples: 3 })) {
      states += 1
      // Few of the states differ in what the table is made of, at either end of the card.
      const ends = `${textOf(state.card.subarray(0, endBytes))}${textOf(state.card.subarray(-endBytes))}`
      if (!tables.has(ends)) {
        writeFileSync(path, state.card)
        tables.set(ends, fourthOf(path))
      }
      const { start, size } = tables.get(ends) ?? assert.fail()
      assert.equal(start, startBytes)
      assert.ok(size === sizeBytes || size >= sizeBytes + 19 * MiB, `${size} ${state.what}`)
      sizes.set(size, (sizes.get(size) ?? 0) + 1)
      assert.equal(startFilesOf(memoryDevice(state.card), made.kernel), kernel)
      writeFileSync(part, state.card.subarray(start, start + size))
      if (readExtFacts(partOf(state.card, size)).value?.clean) tool('e2fsck', ['-f', '-n', part])
      fullCheck(part)
      assert.deepEqual(namesIn(memoryDevice(readFileSync(part))), files, state.what)
      if (states % 4 !== 0) continue
      assert.ok(Buffer.compare(takenBack(state), before) === 0, `taken back ${state.what}`)
    }
    t.diagnostic(
      `${states} states, by the size of the partition: ${JSON.stringify([...sizes])}; ${card.events.length} writes and flushes`,
    )
    assert.equal(sizes.size, 2)
  })
}
