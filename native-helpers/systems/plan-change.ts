import { createHash } from 'node:crypto'
import type { ChangeGroup } from '../block/journalled.ts'
import type { ChangeJobName } from '../contract-change.ts'
import { LivecardError } from '../errors.ts'
import type { OpenedCard } from './card.ts'
import { type ChangeContext, ChangeDraft, type DraftOptions } from './change.ts'
import { enlargeLast } from './enlarge.ts'
import { systems } from './index.ts'
import { repairCard } from './repair.ts'

export interface PlannedChange {
  draft: ChangeDraft
  groups: ChangeGroup[]
  writeBytes: number
  /** Of every byte that would be written, with what stands there now where that counts, or of what the job says: the same for the same change of the same card. */
  digest: string
}

/** Makes up a change of a card, in memory only. Asked twice in the same context it makes up the same, as long as the card is the same. */
export async function planChange(
  card: OpenedCard,
  job: ChangeJobName,
  context: ChangeContext,
  options?: DraftOptions,
): Promise<PlannedChange> {
  if (!card.device) throw new TypeError('a folder is changed through its drive')
  const draft = new ChangeDraft(card.device, options)
  try {
    await fill(draft, card, job, context)
    const groups = draft.groups()
    const writeBytes = groups.flatMap(({ ranges }) => ranges).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    return { draft, groups, writeBytes, ...(draft.agreement ?? { digest: digestOf(draft, groups) }) }
  } catch (thrown) {
    draft.close()
    throw thrown
  }
}

async function fill(draft: ChangeDraft, card: OpenedCard, job: ChangeJobName, context: ChangeContext): Promise<void> {
  const detection = await firstDetection(card)
  switch (job) {
    case 'repair':
      repairCard(card, draft, context)
      await detection?.repair?.(draft, context)
      break
    case 'enlarge':
      if (detection?.enlarge) await detection.enlarge(draft, context)
      else enlargeLast(card, draft, context)
      break
    default:
      if (!detection?.[job]) throw notOnThis(job, detection?.name ?? null)
      await detection[job](draft, context)
  }
}

async function firstDetection(card: OpenedCard) {
  for (const system of systems) {
    const detection = await system.detect(card)
    if (detection) return detection
  }
  return null
}

const pieceBytes = 1024 * 1024

function digestOf({ card, view }: ChangeDraft, groups: ChangeGroup[]): string {
  const hash = createHash('sha256')
  const piece = new Uint8Array(pieceBytes)
  for (const [group, { ranges }] of groups.entries()) {
    for (const { offset, lengthBytes, meanwhile, free } of ranges) {
      hash.update(`${group} ${offset} ${lengthBytes}\n`)
      if (meanwhile) hash.update(meanwhile)
      for (const device of free ? [view] : [card, view]) {
        for (let done = 0; done < lengthBytes; done += pieceBytes) {
          const part = piece.subarray(0, Math.min(pieceBytes, lengthBytes - done))
          device.readSync(part, offset + done)
          hash.update(part)
        }
      }
    }
  }
  return hash.digest('hex')
}

function notOnThis(job: ChangeJobName, system: string | null): LivecardError {
  return new LivecardError('failed', 'job-not-for-this', {
    message: system ? `There is no "${job}" for a card with ${system}.` : 'No system that Livecard knows is on this card.',
    meaning: 'Nothing was changed.',
    next: '"livecard inspect" shows what is on the card and what can be done with it.',
  })
}
