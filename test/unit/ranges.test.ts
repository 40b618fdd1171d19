import assert from 'node:assert/strict'
import { test } from 'node:test'
import { divide, joined, type Range } from '../../native-helpers/block/ranges.ts'
import { seeded } from '../support/tools.ts'

const length = 200

function marks(ranges: readonly Range[]): boolean[] {
  const marked = new Array<boolean>(length).fill(false)
  for (const { offset, lengthBytes } of ranges) marked.fill(true, offset, offset + lengthBytes)
  return marked
}

test('places are divided by others, and joined, as if each byte were asked', () => {
  const random = seeded(8)
  for (let round = 0; round < 500; round += 1) {
    const some = () =>
      Array.from({ length: Math.floor(random() * 12) }, () => {
        const offset = Math.floor(random() * (length - 1))
        return { offset, lengthBytes: 1 + Math.floor(random() * Math.min(30, length - offset - 1)) }
      })
    const loose = some()
    const [ranges, others] = [joined(loose), joined(some())]
    assert.deepEqual(marks(ranges), marks(loose))
    const { outside, inside } = divide(
      ranges.map((range) => ({ ...range, name: range.offset })),
      others,
    )
    const [within, without, all, other] = [inside, outside, ranges, others].map(marks)
    for (let at = 0; at < length; at += 1) {
      assert.equal(within?.[at], all?.[at] && other?.[at], `round ${round}`)
      assert.equal(without?.[at], all?.[at] && !other?.[at], `round ${round}`)
    }
    const pieces = [...inside, ...outside].sort((a, b) => a.offset - b.offset)
    for (const [at, { offset, lengthBytes, name }] of pieces.entries()) {
      assert.ok(lengthBytes > 0 && offset >= name)
      assert.ok(at === 0 || offset >= (pieces[at - 1]?.offset ?? 0) + (pieces[at - 1]?.lengthBytes ?? 0))
    }
  }
})
