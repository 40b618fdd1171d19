import { parseArgs } from 'node:util'
import { LivecardError } from '../errors.ts'
import type { Given, Option, Verb } from './verb.ts'

/** Understood by every verb. */
export const commonOptions: Record<string, Option> = {
  json: { type: 'boolean', help: 'the answer as JSON on stdout' },
  help: { type: 'boolean', help: 'show this text' },
}

export function usageError(code: string, message: string, next: string): LivecardError {
  return new LivecardError('usage', code, { message, meaning: 'Nothing was changed.', next })
}

export function parseVerb(verb: Verb, argv: string[]): Given {
  const options = Object.fromEntries(
    Object.entries({ ...verb.options, ...commonOptions }).map(([name, { type, many = false }]) => [name, { type, multiple: many }]),
  )
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true, strict: true })
    return {
      positionals,
      text: (name) => (typeof values[name] === 'string' ? values[name] : null),
      texts: (name) => [values[name] ?? []].flat().filter((value) => typeof value === 'string'),
      flag: (name) => values[name] === true,
    }
  } catch (thrown) {
    throw usageError('bad-arguments', describe(thrown), `"livecard ${verb.name} --help" shows what can be said.`)
  }
}

/** Node's own sentences, cut to the part that is for the user of the command. */
function describe(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const sentence = text.split('. To specify')[0]?.split('\n')[0] ?? text
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}

/** A digest as published: hexadecimal, of its algorithm's length. */
export function digestOption(given: Given, name: 'sha256' | 'md5'): string | null {
  const text = given.text(name)
  if (text === null) return null
  const digits = name === 'sha256' ? 64 : 32
  if (!new RegExp(`^[0-9a-f]{${digits}}$`, 'i').test(text)) {
    throw usageError(
      'bad-digest',
      `--${name} wants ${digits} hexadecimal digits, not "${text}".`,
      'Copy the sum as it is published.',
    )
  }
  return text.toLowerCase()
}

const unitBytes: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}
const sectorBytes = 512

/**
 * "8GB" as drives are sold, "8GiB" in powers of two, or plain bytes. A card has whole sectors: 1.5GB is rounded down to them, and a number of
 * bytes that has none is a slip of the pen.
 */
export function parseSize(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = unitBytes[parts?.[2]?.toLowerCase() ?? '?']
  const exactBytes = parts && unit !== undefined ? Number(parts[1]) * unit : Number.NaN
  const sizeBytes = unit === 1 ? exactBytes : Math.floor(exactBytes / sectorBytes) * sectorBytes
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % sectorBytes !== 0) {
    throw usageError(
      'bad-size',
      `"${text}" is not a size that a card can have.`,
      'Say it like 8GB (thousands), 8GiB (powers of two) or in bytes, a multiple of 512.',
    )
  }
  return sizeBytes
}
