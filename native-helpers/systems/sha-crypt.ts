import { createHash, randomBytes } from 'node:crypto'

/** "Unix crypt using SHA-256 and SHA-512", Ulrich Drepper, version 0.6: $6$salt$hash, or $6$rounds=N$salt$hash. */
const form = /^\$6\$(?:rounds=(\d{1,9})\$)?([^$:\n]{0,16})\$([./0-9A-Za-z]{86})$/
const usualRounds = 5000
const minRounds = 1000
/** Twenty times the usual; more would only take time here. */
const maxRounds = 100_000
const digits = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Whether a password is the one that a line of shadow(5) has the SHA-512 hash of; null for hashes of other kinds. */
export function isPassword(hash: string, password: string): boolean | null {
  const match = form.exec(hash)
  if (!match) return null
  const [, asked, salt = '', wanted] = match
  const rounds = asked === undefined ? usualRounds : Math.max(minRounds, Number(asked))
  if (rounds > maxRounds) return null
  return encode(digest(Buffer.from(password), Buffer.from(salt), rounds)) === wanted
}

/** As many letters as crypt(3) takes, of its own alphabet. */
const saltLetters = 16

/** A salt for `hashPassword`, of 96 random bits. */
export function newSalt(): string {
  return Array.from(randomBytes(saltLetters), (byte) => digits[byte & 63]).join('')
}

/**
 * A password as /etc/shadow keeps it, as `mkpasswd -m sha-512` and passwd(1) of older systems make it. glibc since 2.7, musl and libxcrypt, which brought
 * yescrypt, all take it: which kind a system makes of new passwords says nothing about those that it knows.
 */
export function hashPassword(password: string, salt = newSalt(), rounds: number | null = null): string {
  if (!/^[./0-9A-Za-z]{1,16}$/.test(salt)) throw new TypeError('a salt has 1 to 16 letters of ./0-9A-Za-z')
  if (rounds !== null && (rounds < minRounds || rounds > maxRounds)) throw new TypeError(`${rounds} rounds are not made here`)
  const hash = encode(digest(Buffer.from(password), Buffer.from(salt), rounds ?? usualRounds))
  return `$6$${rounds === null ? '' : `rounds=${rounds}$`}${salt}$${hash}`
}

function digest(key: Buffer, salt: Buffer, rounds: number): Buffer {
  const b = sha512(key, salt, key)
  const parts = [key, salt, filled(b, key.length)]
  for (let bits = key.length; bits > 0; bits >>>= 1) parts.push(bits & 1 ? b : key)
  let a = sha512(...parts)
  const p = filled(sha512(...Array.from(key, () => key)), key.length)
  const s = filled(sha512(...Array.from({ length: 16 + (a[0] ?? 0) }, () => salt)), salt.length)
  for (let round = 0; round < rounds; round += 1) {
    const isOdd = round % 2 === 1
    a = sha512(isOdd ? p : a, ...(round % 3 ? [s] : []), ...(round % 7 ? [p] : []), isOdd ? a : p)
  }
  return a
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The same bytes over and over. */
function filled(bytes: Buffer, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => bytes[at % bytes.length] ?? 0))
}

/** Three bytes at a time, taken in turns from the three thirds of the hash, as four digits from the lowest bits on. */
function encode(hash: Buffer): string {
  let text = ''
  for (let group = 0; group < 21; group += 1) {
    const places = [group, group + 21, group + 42]
    const turned = [...places.slice(group % 3), ...places.slice(0, group % 3)]
    const [high = 0, middle = 0, low = 0] = turned.map((place) => hash[place] ?? 0)
    text += digitsOf((high << 16) | (middle << 8) | low, 4)
  }
  return text + digitsOf(hash[63] ?? 0, 2)
}

function digitsOf(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => digits[(value >>> (6 * at)) & 63]).join('')
}
