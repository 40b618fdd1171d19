import assert from 'node:assert/strict'
import { test } from 'node:test'
import { de } from '../../renderer/i18n/de.ts'
import { en } from '../../renderer/i18n/en.ts'
import { createFormat } from '../../renderer/i18n/format.ts'
import { language, localeOf } from '../../renderer/i18n/index.ts'

const english = createFormat('en-GB', en.units)
const german = createFormat('de-DE', de.units)
/** A number and its unit stay on one line. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ')

test('sizes are decimal, as drives are sold', () => {
  for (const [bytes, words] of [
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [412_000_000, '412 MB'],
    [3_932_160_000, '3.9 GB'],
    [15_631_122_432, '15.6 GB'],
    [32_010_928_128, '32 GB'],
    [512_110_190_592, '512 GB'],
    [2_000_398_934_016, '2 TB'],
  ] as const) {
    assert.equal(plain(english.size(bytes)), words)
  }
  assert.equal(plain(german.size(3_932_160_000)), '3,9 GB')
})

test('the exact number of bytes is there for who wants it', () => {
  assert.equal(english.exact(32_010_928_128), '32,010,928,128 bytes')
  assert.equal(german.exact(32_010_928_128), '32.010.928.128 Byte')
})

test('a part and its whole have one unit', () => {
  assert.equal(plain(english.sizeOf(2_400_000_000, 3_900_000_000)), '2.4 of 3.9 GB')
  assert.equal(plain(english.sizeOf(40_000_000, 3_900_000_000)), '40 MB of 3.9 GB')
  assert.equal(plain(english.sizeOf(0, 3_900_000_000)), '0 of 3.9 GB')
  assert.equal(plain(german.sizeOf(2_400_000_000, 3_900_000_000)), '2,4 von 3,9 GB')
})

test('a speed keeps its unit while it changes', () => {
  assert.equal(plain(english.speed(21_400_000)), '21.4 MB/s')
  assert.equal(plain(english.speed(22_000_000)), '22.0 MB/s')
  assert.equal(plain(english.speed(450_000)), '0.5 MB/s')
  assert.equal(plain(english.speed(0)), '0.0 MB/s')
  assert.equal(plain(english.speed(1_250_000_000)), '1.3 GB/s')
})

test('100 % is kept for what is whole', () => {
  assert.equal(plain(english.percent(0.999_999)), '99 %')
  assert.equal(plain(english.percent(1)), '100 %')
  // 0.29 * 100 is 28.999999999999996.
  assert.equal(plain(english.percent(0.29)), '29 %')
})

test('durations have at most two units and no nought', () => {
  assert.equal(english.duration(72), '1 minute 12 seconds')
  assert.equal(english.duration(60), '1 minute')
  assert.equal(english.duration(0.2), '1 second')
  assert.equal(english.duration(59.6), '1 minute')
  assert.equal(english.duration(3600), '1 hour')
  assert.equal(english.duration(7384), '2 hours 3 minutes')
  assert.equal(german.duration(72), '1 Minute 12 Sekunden')
})

test('English unless chosen otherwise, with the numbers of the user’s own country', () => {
  assert.equal(language, 'en')
  assert.equal(localeOf('de', ['fr-FR', 'de-AT', 'en']), 'de-AT')
  assert.equal(localeOf('de', ['fr', 'pt-BR']), 'de-DE')
  assert.equal(localeOf('en', ['de-DE', 'en-US']), 'en-US')
  assert.equal(localeOf('en', []), 'en-GB')
})

test('every sentence has a translation of its own, and none is empty', () => {
  const same: string[] = []
  const compare = (one: object, other: object, path: string) => {
    assert.deepEqual(Object.keys(one), Object.keys(other), path)
    for (const [key, value] of Object.entries(one)) {
      const theirs = (other as Record<string, unknown>)[key]
      if (typeof value === 'object') compare(value, theirs as object, `${path}.${key}`)
      else if (typeof value === 'string') {
        assert.equal(value === '', theirs === '', `${path}.${key}`)
        if (value === theirs && value.length > 12) same.push(`${path}.${key}`)
      }
    }
  }
  compare(en, de, '')
  assert.deepEqual(same, [])
})
