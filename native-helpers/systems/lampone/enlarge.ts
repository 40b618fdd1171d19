import type { Growing } from '../../contract-change.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { cannotGrow, enlargePartition, partitionToGrow } from '../enlarge.ts'
import type { Card, CardVolume } from '../system.ts'
import type { Layout } from './layout.ts'

const what = 'persistence'

/** Gives the partition for changes the room behind it, whatever else lies on the card. */
export function enlargeLampone(card: Card, layout: Layout, draft: ChangeDraft, context: ChangeContext): void {
  const wanted = context.options.what ?? what
  if (wanted !== what) throw cannotGrow(`"${wanted}"`, `on a card of this kind only its ${what} grows`)
  enlargePartition(card, persistenceOf(layout), draft, context)
}

export function growingOnLampone(card: Card, layout: Layout, draft: ChangeDraft): Growing[] {
  const volume = persistenceOf(layout)
  return [partitionToGrow(card, volume, draft.view, new Map([[volume.number, what]]))]
}

function persistenceOf({ roles }: Layout): CardVolume {
  const volume = roles.get('persistence')
  if (!volume) throw cannotGrow('The card', 'it has no partition for changes')
  return volume
}
