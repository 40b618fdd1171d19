import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ErrorValue, Job } from '../../native-helpers/contract.ts'
import { jsonLines, type Ran, type RunOptions, runCli } from './run-cli.ts'
import { isUnfinished, sha256, usedCard } from './sample-images.ts'

/** Every error says what happened, what it means, and what to do. */
export const threeParts = /^Error: .+\n {2}What it means: .+\n {2}What to do: .+$/m

/** The memory that a process of Livecard may take for any image. */
const maxPeakBytes = 300 * 1024 * 1024

export interface Expected {
  exitCode: number
  /** The error's code, which scripts rely on. */
  code: string | RegExp
  /** What became of the target: as it was to the last byte, or marked as not finished. */
  target: 'untouched' | 'unfinished'
}

/**
 * Writes a bad image to a used card, and holds the outcome to what is promised of every bad input: the right exit code, an error of three
 * parts, a target that is untouched or says that it is not finished, bounded memory, and nothing else touched.
 */
export async function flashBad(
  t: TestContext,
  image: string,
  args: string[],
  expected: Expected,
  options: RunOptions = {},
): Promise<Ran> {
  const card = usedCard(t)
  const neighbour = usedCard(t)
  const before = sha256(card.backing)
  const neighbourBefore = sha256(neighbour.path)
  const ran = await runCli(['flash', image, card.path, '--yes', '--json', '--allow-virtual', ...args], options)
  expectError(ran, expected)
  if (expected.target === 'untouched') assert.equal(sha256(card.backing), before, 'the card is as it was')
  else assert.ok(isUnfinished(card.path), 'the card says that it is not finished')
  assert.equal(sha256(neighbour.path), neighbourBefore, 'the card beside it is as it was')
  return ran
}

export function expectError(ran: Ran, { exitCode, code }: Pick<Expected, 'exitCode' | 'code'>): ErrorValue {
  assert.equal(ran.code, exitCode, ran.stderr + ran.stdout.slice(-2000))
  assert.match(ran.stderr, threeParts)
  const result = jsonLines(ran.stdout).at(-1)
  assert.equal(result?.ok, false)
  assert.equal(result?.exitCode, exitCode)
  const error = result?.error as ErrorValue
  if (typeof code === 'string') assert.equal(error.code, code)
  else assert.match(error.code, code)
  for (const part of [error.message, error.meaning, error.next]) assert.ok(ran.stderr.includes(part) || part === error.next, part)
  assert.ok(ran.peakBytes > 0 && ran.peakBytes <= maxPeakBytes, `${Math.round(ran.peakBytes / 2 ** 20)} MiB of memory`)
  const job = result?.job as Job | undefined
  assert.notEqual(job?.progress.fraction, 1, '100 % is only what is finished')
  return error
}
