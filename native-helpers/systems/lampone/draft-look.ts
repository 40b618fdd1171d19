import type { BlockDevice } from '../../block/device.ts'
import { dateOfIsoUuid, isoUuidOfDate } from '../../volumes/iso9660-identity.ts'
import { openCard } from '../card.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { Card, CardVolume } from '../system.ts'
import { freeUuidNear } from './kernel-partition.ts'
import { findLayout, type Layout } from './layout.ts'
import { type Look, lookAtCard } from './look.ts'
import { kernelUuidIn, type MenuTargets } from './menu-edit.ts'
import { menuTexts } from './menu-mend.ts'

/** A card of this family as it would be by now. */
export interface Seen extends Look {
  card: Card
  layout: Layout
}

/** Null where it is not one of this family any more. */
export async function lookAtDraft(path: string, draft: ChangeDraft): Promise<Seen | null> {
  const card = await openCard({ kind: 'file', path, device: readOnly(draft.view) })
  const layout = await findLayout(card)
  return layout && { card, layout, ...(await lookAtCard(card, layout)) }
}

function readOnly({ size, sectorSize, readSync }: BlockDevice): BlockDevice {
  return { size, sectorSize, readSync }
}

/** Which identities the two ISO partitions have or get, and which the boot menus are to look for. */
export function targetsOf({ card, layout, system, kernel }: Seen, draft: ChangeDraft, { seconds }: ChangeContext): MenuTargets {
  const systemNumber = layout.roles.get('system')?.number ?? null
  const kernelNumber = layout.roles.get('kernel')?.number ?? null
  const isOther = ({ number }: CardVolume) => number !== systemNumber && number !== kernelNumber
  const others = card.volumes.filter(isOther).map(({ identity }) => identity?.uuid ?? '')
  const systemUuid = system?.iso.uuid ?? null
  const targets: MenuTargets = {
    ...{ system, kernel, systemNumber, kernelNumber, systemUuid },
    kernelUuid: kernel?.iso.uuid ?? null,
    otherUuids: new Set(others.map((uuid) => uuid.toLowerCase())),
  }
  const taken = new Set([...(systemUuid === null ? [] : [systemUuid]), ...others])
  // What has an identity of its own keeps it, whatever that is.
  if (targets.kernelUuid !== null && !taken.has(targets.kernelUuid)) return targets
  const isFree = (uuid: string | null): uuid is string => uuid !== null && !taken.has(uuid) && dateOfIsoUuid(uuid) !== null
  const boot = layout.roles.get('boot')
  const texts = boot && !kernel ? [...menuTexts(draft, boot).values()] : []
  const expected = texts.map((text) => kernelUuidIn(text, targets)).find(isFree)
  const near = [targets.kernelUuid, systemUuid].find((uuid) => uuid !== null && dateOfIsoUuid(uuid) !== null)
  return { ...targets, kernelUuid: expected ?? freeUuidNear(near ?? isoUuidOfDate(new Date(seconds * 1000)), taken) }
}

/** True where the kernel partition gets another identity than it has, so that the boot menus follow it. */
export function renamesKernel({ kernel }: Seen, { kernelUuid }: MenuTargets): boolean {
  return kernel !== null && kernel.iso.uuid !== kernelUuid
}
