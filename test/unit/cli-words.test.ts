import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOption, parseSize } from '../../native-helpers/cli/args.ts'
import { plain } from '../../native-helpers/cli/terminal.ts'
import { duration, table, wrap } from '../../native-helpers/cli/words.ts'
import { LivecardError } from '../../native-helpers/errors.ts'

test('sizes are read as drives are sold, in powers of two, or in bytes', () => {
  const sizes: [string, number][] = [
    ['8GB', 8_000_000_000],
    ['8 gb', 8_000_000_000],
    ['8GiB', 8 * 1024 ** 3],
    ['512MB', 512_000_000],
    ['1.5GB', 1_499_999_744],
    ['0.3GiB', 322_122_240],
    ['64MiB', 64 * 1024 ** 2],
    ['1048576', 1_048_576],
    ['1048576B', 1_048_576],
    ['2TB', 2_000_000_000_000],
  ]
  for (const [text, bytes] of sizes) assert.equal(parseSize(text), bytes, text)
})

test('what is no size of a card is refused: no whole sectors, no known unit, nothing, too much', () => {
  for (const text of [
    '',
    '0',
    '8G',
    '8',
    '1000',
    '-8GB',
    '8GBit',
    '1e9',
    '0x1000000',
    'max',
    '8 000',
    '99999999TB',

    'NaN',
    '１GB',
  ]) {
    assert.throws(() => parseSize(text), { code: 'bad-size', kind: 'usage' }, text)
  }
})

test('a published sum has its algorithm’s length and hexadecimal digits', () => {
  const given = (value: string) => ({ positionals: [], flag: () => false, text: () => value, texts: () => [value] })
  assert.equal(digestOption(given('A'.repeat(64)), 'sha256'), 'a'.repeat(64))
  assert.equal(digestOption(given('0'.repeat(32)), 'md5'), '0'.repeat(32))
  for (const value of ['', 'a'.repeat(63), 'g'.repeat(64), `${'a'.repeat(64)}\n`, 'a'.repeat(32)]) {
    assert.throws(() => digestOption(given(value), 'sha256'), LivecardError, JSON.stringify(value))
  }
})

test('durations have two parts at most', () => {
  assert.deepEqual([0.4, 45, 59.7, 60, 80, 3600, 3725, 90_000].map(duration), [
    '0 s',
    '45 s',
    '1 min',
    '1 min',
    '1 min 20 s',
    '1 h',
    '1 h 2 min',
    '25 h',
  ])
})

test('tables line up whatever the names are made of', () => {
  const lines = table(
    [
      ['DRIVE', 'SIZE', 'NAME'],
      ['/dev/sdb', '32 GB', 'カード'],
      ['/dev/mmcblk0', '8 GB', 'cafe\u0301'],
    ],
    [1],
  )
  assert.deepEqual(lines, ['DRIVE          SIZE  NAME', '/dev/sdb      32 GB  カード', '/dev/mmcblk0   8 GB  cafe\u0301'])
})

test('long text is broken at spaces, and never inside a word', () => {
  assert.equal(wrap('one two three four', 9, '  '), 'one two\n  three\n  four')
  assert.equal(wrap('unbreakable word', 4), 'unbreakable\nword')
})

test('a volume’s name cannot move the cursor, colour the text, ring, or turn its direction', () => {
  assert.equal(
    plain('\u001b[2J\u001b]0;x\u0007BOOT\r\u009b31m\u202egpj\u2066'),
    '\ufffd[2J\ufffd]0;x\ufffdBOOT\ufffd\ufffd31m\ufffdgpj\ufffd',
  )
  assert.equal(plain('Karte für Ñandú 卡 \n'), 'Karte für Ñandú 卡 \n')
})
