import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, isPassword, newSalt } from '../../native-helpers/systems/sha-crypt.ts'
import { missingTools, tool } from '../support/tools.ts'

const passwords = ['password', 'p', 'pässword', 'x'.repeat(64), 'x'.repeat(65), 'a longer one with blanks '.repeat(8)]

test('passwords are known by the hashes that OpenSSL makes', { skip: missingTools('openssl') ?? false }, () => {
  const passwords = ['password', 'p', 'pässword', 'x'.repeat(64), 'x'.repeat(65), 'a longer one with blanks '.repeat(8)]
  for (const [at, password] of passwords.entries()) {
    const hash = tool('openssl', ['passwd', '-6', '-salt', 'saltsaltsaltsalt'.slice(0, 3 * at + 1), password]).trim()
    assert.equal(isPassword(hash, password), true, hash)
    assert.equal(isPassword(hash, `${password}.`), false)
  }
})

test('passwords are known by the hashes of crypt(3) with another number of rounds', { skip: missingTools('perl') ?? false }, () => {
  const hash = tool('perl', ['-e', "print crypt('password', '$6$rounds=1234$pepper')"])
  assert.match(hash, /^\$6\$rounds=1234\$pepper\$/)
  assert.equal(isPassword(hash, 'password'), true)
  assert.equal(isPassword(hash.replace('1234', '1235'), 'password'), false)
})

test('of hashes of other kinds, and of those that would take long, nothing is said', () => {
  const rest = 'a'.repeat(86)
  for (const hash of ['', '*', '!', 'x', '$1$salt$hash', '$y$j9T$salt$hash', `$6$rounds=999999999$salt$${rest}`])
    assert.equal(isPassword(hash, 'password'), null, hash)
})

/** "Unix crypt using SHA-256 and SHA-512", Ulrich Drepper: its vectors, salts as far as they count, those with fewer than 100,000 rounds. */
const published: [password: string, salt: string, rounds: number | null, hash: string][] = [
  [
    'Hello world!',
    'saltstring',
    null,
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'Hello world!',
    'saltstringsaltst',
    10000,
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
  ],
  [
    'This is just a test',
    'toolongsaltstrin',
    5000,
    '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
  ],
  [
    'a very much longer text to encrypt.  This one even stretches over morethan one line.',
    'anotherlongsalts',
    1400,
    '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
  ],
  [
    'we have a short salt string but not a short password',
    'short',
    77777,
    '$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
  ],
  [
    'the minimum number is still observed',
    'roundstoolow',
    1000,
    '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
  ],
]

test('passwords are hashed as the published vectors have it', () => {
  for (const [password, salt, rounds, hash] of published) {
    assert.equal(hashPassword(password, salt, rounds), hash)
    assert.equal(isPassword(hash, password), true)
  }
})

test('passwords are hashed as OpenSSL and mkpasswd do it', { skip: missingTools('openssl', 'mkpasswd') ?? false }, () => {
  for (const password of passwords) {
    const salt = newSalt()
    const hash = hashPassword(password, salt)
    assert.equal(tool('openssl', ['passwd', '-6', '-salt', salt, password]).trim(), hash)
    // Without a newline behind it, which mkpasswd would cut off.
    assert.equal(tool('mkpasswd', ['-m', 'sha-512', '-S', salt, '-s'], { input: password }).trim(), hash)
  }
})

test('each salt is another one, of the letters of crypt(3)', () => {
  const salts = Array.from({ length: 100 }, () => newSalt())
  assert.equal(new Set(salts).size, 100)
  for (const salt of salts) assert.match(salt, /^[./0-9A-Za-z]{16}$/)
  assert.throws(() => hashPassword('password', 'a$b'), TypeError)
  assert.throws(() => hashPassword('password', 'salt', 10), TypeError)
})
