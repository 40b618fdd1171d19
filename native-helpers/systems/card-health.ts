import type { BlockDevice } from '../block/device.ts'
import type { Finding } from '../contract-report.ts'
import { decimalSize } from '../decimal-size.ts'
import { pieceUpTo } from '../volumes/piece.ts'
import type { Problem } from '../volumes/problem.ts'
import { isUnfinished } from '../volumes/unfinished-mark.ts'
import { cardFindings } from './card-findings.ts'
import { found } from './finding.ts'
import type { Card } from './system.ts'
import { volumeHealth } from './volume-health.ts'

type CardFinding = keyof typeof cardFindings

/** By the problems of volumes/gpt.ts, volumes/mbr.ts and card-table.ts. */
const ofTable: Record<string, CardFinding> = {
  'gpt-damaged': 'table-damaged',
  'gpt-primary-damaged': 'table-primary-damaged',
  'gpt-backup-damaged': 'table-backup-damaged',
  'gpt-backup-not-at-end': 'table-backup-not-at-end',
  'gpt-copies-differ': 'table-copies-differ',
  'gpt-not-announced': 'table-not-announced',
  'gpt-overlap': 'table-overlap',
  'gpt-covers-table': 'table-placement',
  'gpt-backwards': 'table-placement',
  'gpt-outside': 'table-placement',
  'gpt-beyond-end': 'card-cut-off',
  'mbr-beyond-end': 'card-cut-off',
  'mbr-overlap': 'table-overlap',
  'mbr-covers-table': 'table-placement',
  'mbr-two-extended': 'table-logical-damaged',
  'mbr-chain-loop': 'table-logical-damaged',
  'mbr-chain-long': 'table-logical-damaged',
  'mbr-chain-unread': 'table-logical-damaged',
  'mbr-chain-broken': 'table-logical-damaged',
}

/** Less is what aligning leaves over, and not worth a line. */
const minTailBytes = 64 * 1024 * 1024
const minTailShare = 0.01
const headBytes = 128 * 1024

/** What is wrong with any card: its table first, then each volume by its own marks. */
export function cardHealth(card: Card): Finding[] {
  const { device } = card
  if (!device) return []
  return [...tableFindings(card, device), ...card.volumes.flatMap(volumeHealth)]
}

function tableFindings(card: Card, device: BlockDevice): Finding[] {
  const { table, volumes } = card
  const cutOff = table.problems.some(({ code }) => ofTable[code] === 'card-cut-off')
  // A card that ends early has no second copy of its table, and nothing can lie at its end: that is said once.
  const told = cutOff ? table.problems.filter(({ code }) => !lostWithTheEnd.has(code)) : table.problems
  const findings = told.map(findingOf)
  if (volumes.every(({ identity, problem }) => !identity && !problem) && table.problems.length === 0)
    findings.push(...ofNothing(card, device))
  if (!cutOff && table.unusedTail >= minTailBytes && table.unusedTail >= device.size * minTailShare) {
    findings.push(
      found(
        cardFindings,
        'card-unused-tail',
        `${decimalSize(table.unusedTail)} of ${decimalSize(device.size)} lie behind the last partition.`,
      ),
    )
  }
  return findings
}

const lostWithTheEnd = new Set(['gpt-backup-damaged', 'gpt-backup-not-at-end', 'gpt-outside'])

function findingOf({ code, detail }: Problem): Finding {
  return found(cardFindings, ofTable[code] ?? 'table-placement', sentence(detail))
}

function ofNothing({ volumes }: Card, device: BlockDevice): Finding[] {
  if (volumes.length > 1 || volumes[0]?.number !== 0) return []
  const head = pieceUpTo(device, 0, headBytes) ?? new Uint8Array()
  if (isUnfinished(head))
    return [found(cardFindings, 'card-unfinished', 'It begins with the mark that Livecard puts there while it writes.')]
  const blank = head.every((byte) => byte === 0)
  const first = decimalSize(head.length)
  return [
    blank
      ? found(cardFindings, 'card-empty', `The first ${first} are zeros.`)
      : found(cardFindings, 'card-unknown', `The first ${first} show nothing that is known.`),
  ]
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`
}
