import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeTime, encodeRecords, encodeTime } from '../../native-helpers/volumes/tar/pax.ts'
import { decodeName, displayName, encodeName } from '../../native-helpers/wasm/names.ts'
import { seeded } from '../support/tools.ts'

test('every name of bytes has a string that leads back to it', () => {
  const random = seeded(11)
  for (let round = 0; round < 3000; round += 1) {
    // Mostly bytes that begin or continue sequences, which is where decoding goes astray.
    const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
      random() < 0.5 ? 0x80 + random() * 0x80 : 1 + random() * 0x7f,
    )
    const name = decodeName(bytes)
    assert.deepEqual(Uint8Array.from(encodeName(name)), bytes, Buffer.from(bytes).toString('hex'))
  }
})

test('proper names stay as they are, and odd ones can be shown', () => {
  for (const name of ['größe', '💀\u{1f480}', 'a\ufeffb', '\ufeffmark first']) assert.equal(decodeName(encodeName(name)), name)
  assert.equal(decodeName(Uint8Array.of(0x61, 0xff, 0x62)), 'a\udcffb')
  assert.equal(displayName('a\udcffb'), 'a\ufffdb')
})

test('times keep every nanosecond on both sides of 1970', () => {
  for (const time of [
    { seconds: 0, nanoseconds: 0 },
    { seconds: 15_000_000_000, nanoseconds: 1 },
    { seconds: -1, nanoseconds: 999_999_999 },
    { seconds: -2_000_000_000, nanoseconds: 500_000_000 },
    { seconds: -5, nanoseconds: 0 },
  ])
    assert.deepEqual(decodeTime(encodeTime(time)), time)
  assert.equal(Buffer.from(encodeTime({ seconds: -2, nanoseconds: 750_000_000 })).toString(), '-1.25')
})

test('a record counts itself, also where that makes it longer', () => {
  for (const length of [1, 89, 90, 91, 987, 988, 989, 990]) {
    const record = encodeRecords(new Map([['path', new Uint8Array(length).fill(0x61)]]))
    assert.equal(Number.parseInt(Buffer.from(record).toString('latin1'), 10), record.length)
  }
})
