import type { ChangeContext, ChangeDraft } from '../change.ts'
import { tellFit } from '../restore/fit.ts'
import { restoreInto } from '../restore/restore.ts'
import type { RestoreSpot } from '../restore/spot.ts'
import { volumeSpot } from '../restore/volume.ts'
import type { Card } from '../system.ts'
import { describeAb } from './describe.ts'
import type { AbLayout } from './layout.ts'

export async function restoreAb(card: Card, layout: AbLayout, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const { facts, request } = restoreInto(spotsOf(layout), draft, context)
  await tellFit(draft, facts.manifest, { id: 'rpi-ab', describe: () => describeAb(card, layout) }, request.withKernel)
}

/** The partition that outlives updates. */
function spotsOf({ persistent }: AbLayout): RestoreSpot[] {
  if (!persistent) return []
  const title = `your files and settings (partition ${persistent.number})`
  return [volumeSpot(persistent, { what: 'data', title, forms: ['tree'] })]
}
