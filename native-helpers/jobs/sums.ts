import type { FlashOptions, ImageFacts, JobCheck, PublishedSum } from '../contract.ts'
import { LivecardError } from '../errors.ts'
import type { Digests, StreamOptions } from '../imaging/stream.ts'

type Algorithm = PublishedSum['algorithm']

const names = { sha256: 'SHA-256', md5: 'MD5' } as const

/** The sums that this image must have: what was found beside it, and what the user gave. */
export function sumsToCheck(facts: ImageFacts, options: FlashOptions): PublishedSum[] {
  const given: PublishedSum[] = []
  if (options.sha256) given.push({ algorithm: 'sha256', value: cleanSum(options.sha256, 'sha256'), of: 'either', from: 'given' })
  if (options.md5) given.push({ algorithm: 'md5', value: cleanSum(options.md5, 'md5'), of: 'either', from: 'given' })
  const all = [...given, ...facts.sums.map((sum) => ({ ...sum, value: sum.value.toLowerCase() }))]
  return all.filter((sum, index) => all.findIndex((other) => same(sum, other)) === index)
}

function same(a: PublishedSum, b: PublishedSum): boolean {
  return a.algorithm === b.algorithm && a.of === b.of && a.value === b.value
}

/** As people paste it: with a file name behind it, a prefix, in capitals. */
function cleanSum(text: string, algorithm: Algorithm): string {
  const digits = algorithm === 'sha256' ? 64 : 32
  const found = text
    .trim()
    .toLowerCase()
    .match(/^(?:sha-?256[:=]|md5[:=])?\s*([0-9a-f]+)(?:\s|$)/)?.[1]
  if (found?.length === digits) return found
  throw new LivecardError('usage', 'checksum-malformed', {
    message: `"${text}" is not a ${names[algorithm]} checksum, which has ${digits} hexadecimal digits.`,
    meaning: 'Nothing was written.',
    next: 'Copy the whole checksum from where the image was published.',
  })
}

/** What must be computed while decoding; nothing that nobody asked for. */
export function digestsFor(sums: readonly PublishedSum[]): NonNullable<StreamOptions['digests']> {
  const wanted = (part: 'file' | 'content') => [
    ...new Set(sums.filter(({ of }) => of === part || of === 'either').map(({ algorithm }) => algorithm)),
  ]
  return { file: wanted('file'), content: wanted('content') }
}

export function sumCheck(sum: PublishedSum): JobCheck {
  const what = sum.of === 'content' ? 'unpacked image' : sum.of === 'file' ? 'file' : 'image'
  const from = sum.from === 'given' ? 'as given' : `from ${sum.from}`
  const id = sum.of === 'either' ? `sum-${sum.algorithm}` : `sum-${sum.of}-${sum.algorithm}`
  return { id, label: `${names[sum.algorithm]} of the ${what}, ${from}`, value: sum.value, state: 'pending' }
}

/** Sets the state of each check (in the order of the sums); throws at the first that differs. */
export function compareSums(sums: readonly PublishedSum[], checks: JobCheck[], digests: Digests, meaning: string): void {
  let mismatch: LivecardError | null = null
  sums.forEach((sum, index) => {
    const computed = [
      sum.of === 'content' ? null : digests.file[sum.algorithm],
      sum.of === 'file' ? null : digests.content[sum.algorithm],
    ].filter((value) => value !== null)
    const fits = computed.includes(sum.value)
    const check = checks[index]
    if (check) check.state = fits ? 'ok' : 'differs'
    if (!fits) mismatch ??= checksumMismatch(sum, computed, meaning)
  })
  if (mismatch) throw mismatch
}

function checksumMismatch(sum: PublishedSum, computed: string[], meaning: string): LivecardError {
  const expected = sum.from === 'given' ? `the given one is ${sum.value}` : `${sum.from} says ${sum.value}`
  return new LivecardError('data', 'checksum-mismatch', {
    message: `The image is not the one that was published: its ${names[sum.algorithm]} is ${[...new Set(computed)].join(' or ') || 'unknown'}, and ${expected}.`,
    meaning,
    next: 'Download the image again. If it differs once more, the published checksum belongs to another file, or the image was tampered with.',
  })
}
