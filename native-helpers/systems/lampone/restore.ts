import type { ChangeContext, ChangeDraft } from '../change.ts'
import { tellFit } from '../restore/fit.ts'
import { restoreRequest } from '../restore/request.ts'
import { restoreInto } from '../restore/restore.ts'
import type { RestoreSpot } from '../restore/spot.ts'
import { volumeSpot } from '../restore/volume.ts'
import type { Card } from '../system.ts'
import type { Layout } from './layout.ts'
import { lookAtCard } from './look.ts'
import { SavedKernel } from './restore-kernel.ts'

/** What overlayfs keeps beside the changes, and belongs to the files that go. */
const workFolder = 'work'

export async function restoreLampone(card: Card, layout: Layout, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const kernel = restoreRequest(context).withKernel ? new SavedKernel(draft) : null
  const { facts, request } = restoreInto(spotsOf(layout), draft, context, kernel)
  await kernel?.write(layout)
  const describe = async () => (await lookAtCard(card, layout)).description
  await tellFit(draft, facts.manifest, { id: layout.id, describe }, request.withKernel)
}

/** The changes, and all of the partition that they lie in. */
function spotsOf({ roles }: Layout): RestoreSpot[] {
  const volume = roles.get('persistence')
  if (!volume) return []
  const where = `partition ${volume.number}`
  return [
    volumeSpot(volume, {
      what: 'rw',
      title: `your changes (the folder "rw" of ${where})`,
      forms: ['upper', 'tree'],
      folder: 'rw',
      cleared: [workFolder],
    }),
    volumeSpot(volume, {
      what: 'persistence',
      title: `the whole of ${where}`,
      forms: ['tree'],
      cleared: [workFolder],
      kept: ['persistence.conf'],
    }),
  ]
}
