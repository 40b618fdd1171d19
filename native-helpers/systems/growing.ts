import type { Growing } from '../contract-change.ts'
import type { OpenedCard } from './card.ts'
import { ChangeDraft } from './change.ts'
import { lastToGrow } from './enlarge.ts'
import { firstDetection } from './first-detection.ts'

/** What on a card can be made larger, and how far. Throws where there is nothing of the kind. */
export async function growingOn(card: OpenedCard): Promise<Growing[]> {
  if (!card.device) throw new TypeError('a folder grows through its drive')
  const draft = new ChangeDraft(card.device, { purpose: 'plan' })
  try {
    const detection = await firstDetection(card)
    if (detection?.growing) return await detection.growing(draft)
    return [lastToGrow(card, draft.view, detection?.roles)]
  } finally {
    draft.close()
  }
}
