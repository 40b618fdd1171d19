import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Growing } from '../../native-helpers/contract.ts'
import { grownBytes, sizeStops } from '../../renderer/state/growing.ts'
import { bytesOfText } from '../../renderer/state/size-text.ts'

const chunk = 4096

function part(changes: Partial<Growing> = {}): Growing {
  const sizes = { nowBytes: 536_870_912, leastBytes: 537_919_488, maxBytes: 1_903_280_128, stepBytes: chunk, trapEverySteps: 257 }
  return { what: 'overlay', name: 'LiveOS/overlay', ...sizes, limit: 'stick', problem: null, ...changes }
}

test('a size is what people write: decimal as drives are sold, binary by its name, a comma or a point', () => {
  for (const [text, bytes] of [
    ['1.5 GB', 1.5e9],
    ['1,5 gb', 1.5e9],
    ['1.4\u00a0GB', 1.4e9],
    ['500MB', 5e8],
    ['2 GiB', 2 ** 31],
    ['8', 8e9],
    ['4096 bytes', 4096],
  ] as const)
    assert.equal(bytesOfText(text), bytes, text)
  assert.equal(bytesOfText(' '), 'empty')
  for (const text of ['much', '-1 GB', '1 PB', '1.2.3', '1e9']) assert.equal(bytesOfText(text), 'unreadable', text)
})

test('a slider goes from the size that is there through round sizes to all that there is', () => {
  for (const one of [
    part(),
    part({ maxBytes: 538_000_000 }),
    part({ maxBytes: 64e9 }),
    part({ nowBytes: 3e9, leastBytes: 3_004_194_304, maxBytes: 2e12 }),
  ]) {
    const { last, bytesAt, stopAt } = sizeStops(one)
    assert.ok(last >= 1 && last <= 202, `${last}`)
    assert.equal(bytesAt(0), one.nowBytes)
    assert.equal(bytesAt(last), one.maxBytes)
    for (let stop = 1; stop <= last; stop += 1) {
      const bytes = bytesAt(stop)
      assert.ok(bytes > bytesAt(stop - 1) && bytes >= one.leastBytes, `${stop}: ${bytes}`)
      assert.equal(stopAt(bytes), stop)
      if (stop < last) assert.equal(bytes % 1e6, 0, 'a number that people say')
    }
    assert.equal(stopAt(one.leastBytes - 1), 0)
  }
  assert.equal(sizeStops(part({ maxBytes: 537_000_000 })).last, 0, 'there is no room')
})

test('a size comes to whole steps, and to one less where the kernel would lose count', () => {
  const trap = 257 * 600 + 1
  assert.deepEqual(grownBytes(part(), trap * chunk + 5), { bytes: (trap - 1) * chunk, isTrap: true })
  assert.deepEqual(grownBytes(part(), (trap + 1) * chunk + 5), { bytes: (trap + 1) * chunk, isTrap: false })
  assert.deepEqual(grownBytes(part({ trapEverySteps: null }), trap * chunk), { bytes: trap * chunk, isTrap: false })
  assert.deepEqual(grownBytes(part(), 1), { bytes: 536_870_912, isTrap: false })
})
