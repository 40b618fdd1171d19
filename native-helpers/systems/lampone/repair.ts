import type { BlockDevice } from '../../block/device.ts'
import { dateOfIsoUuid, isoUuidOfDate } from '../../volumes/iso9660-identity.ts'
import { openCard } from '../card.ts'
import { type ChangeContext, type ChangeDraft, differs } from '../change.ts'
import type { Card, CardVolume } from '../system.ts'
import { compareVersions } from './installed-kernel.ts'
import { freeUuidNear, renameKernel, rewriteKernel } from './kernel-partition.ts'
import { chosenSource, type KernelSource, kernelSources } from './kernel-source.ts'
import { findLayout, type Layout } from './layout.ts'
import { type Look, lookAtCard } from './look.ts'
import { mendPersistence } from './mend-persistence.ts'
import { kernelUuidIn, type MenuTargets } from './menu-edit.ts'
import { mendMenus, menuTexts } from './menu-mend.ts'
import { modulesOf } from './modules.ts'
import { valueOr } from './tolerant.ts'

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

/** What only this family knows of: the persistence's name and file, the kernel partition, and the boot menus. The filesystems were mended before. */
export async function repairLampone(path: string, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const before = await lookAtDraft(path, draft)
  if (!before) return
  const seen = mendPersistence(before, draft, context) ? await lookAtDraft(path, draft) : before
  if (!seen) return
  const targets = targetsOf(seen, draft, context)
  const boot = seen.layout.roles.get('boot')
  const renames = seen.kernel !== null && seen.kernel.iso.uuid !== targets.kernelUuid
  // With its identity the menu that looks for it changes, and not before: until then the menu leads to what is there.
  if (boot && !renames) mendMenus(draft, boot, targets)
  await mendKernel(seen, draft, context, targets)
  if (boot && renames) mendMenus(draft, boot, targets)
}

function targetsOf({ card, layout, system, kernel }: Seen, draft: ChangeDraft, { seconds }: ChangeContext): MenuTargets {
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
  const isFree = (uuid: string | null): uuid is string => uuid !== null && !taken.has(uuid) && dateOfIsoUuid(uuid) !== null
  if (isFree(targets.kernelUuid)) return targets
  const boot = layout.roles.get('boot')
  const texts = boot && !kernel ? [...menuTexts(draft, boot).values()] : []
  const expected = texts.map((text) => kernelUuidIn(text, targets)).find(isFree)
  const near = [targets.kernelUuid, systemUuid].find((uuid) => uuid !== null && dateOfIsoUuid(uuid) !== null)
  return { ...targets, kernelUuid: expected ?? freeUuidNear(near ?? isoUuidOfDate(new Date(seconds * 1000)), taken) }
}

const namesOfKernel = { SK: 'SK-SYSTEM2', LIVENG: 'LIVENG_SYSTEM2' }

/** Writes the kernel partition where it has to be, from the best kernel that there is. */
async function mendKernel(seen: Seen, draft: ChangeDraft, { options }: ChangeContext, { kernelUuid }: MenuTargets): Promise<void> {
  const { layout, system, kernel, union, description } = seen
  const volume = layout.roles.get('kernel')
  if (!volume || kernelUuid === null) return
  const found = new Set(description.findings.filter(({ partition }) => partition === volume.number).map(({ id }) => id))
  const isBroken = found.has('kernel-partition-unreadable') || found.has('kernel-partition-incomplete')
  const asked = options['kernel-from']
  const isNeeded = isBroken || found.has('kernel-partition-stale') || found.has('kernel-without-modules') || asked !== undefined
  const renames = kernel !== null && kernel.iso.uuid !== kernelUuid
  const sources = isNeeded ? await kernelSources(system, union) : []
  const source = isNeeded ? chosenSource(sources, asked) : null
  const isBetter =
    source !== null && (isBroken || asked !== undefined || (await isBetterThanOwn(seen, source))) && !isThere(seen, source)
  if (!source || !isBetter) {
    if (isNeeded && asked === undefined)
      draft.notes.push('There is no better kernel on this card: none that is whole, with its initrd and its drivers.')
    if (asked !== undefined && source) draft.notes.push(`Linux ${source.version} of ${source.place} is what starts already.`)
    if (kernel && renames) renameKernel(draft, kernel, kernelUuid)
    return
  }
  const volumeId = kernel?.iso.volumeId ?? namesOfKernel[system?.iso.volumeId.startsWith('LIVENG') ? 'LIVENG' : 'SK']
  const bootable = isBroken ? null : kernel
  if (!rewriteKernel(draft, { volume, bootable, volumeId, uuid: kernelUuid, source })) return
  if (asked === undefined) draft.notes.push(whyThis(source, sources, union.upperHidden))
  draft.keeps.push('The system partition, and all of your changes.')
}

/** What starts is not exchanged for a kernel without drivers, nor for an older one while it has its own. */
async function isBetterThanOwn({ kernel, union }: Seen, source: KernelSource): Promise<boolean> {
  const own = kernel?.kernel.value?.version ?? null
  if (source.modules === 'missing') return false
  if (own === null || compareVersions(source.version, own) >= 0) return true
  return (await valueOr('unknown' as const, () => modulesOf(union, own))) === 'missing'
}

function whyThis(source: KernelSource, sources: readonly KernelSource[], isHidden: boolean): string {
  const other = sources.find(({ from }) => from !== source.from)
  const instead = other
    ? ` With --kernel-from ${other.from} it is Linux ${other.version}, ${other.from === 'rw' ? 'which was installed later' : 'which the system came with'}.`
    : ''
  if (isHidden)
    return `Your changes cannot be looked into, so that the kernel is the one that the system came with. If a newer one was installed, "update-initramfs -u" in the running system puts it there again.${instead}`
  if (source.modules === 'missing')
    return `The drivers of Linux ${source.version} are not on this card; it starts all the same.${instead}`
  const why = source.from === 'rw' ? 'is the newest one that was installed' : 'came with the system'
  return `Linux ${source.version} ${why}, and its drivers are on the card.${instead}`
}

/** Whether the kernel partition holds just these two files. */
function isThere({ kernel }: Seen, source: KernelSource): boolean {
  const [own, initrd] = [kernel?.kernelFile.value?.device, kernel?.initrdFile.value?.device]
  return Boolean(own && initrd && isSame(own, source.kernel) && isSame(initrd, source.initrd))
}

function isSame(one: BlockDevice, other: BlockDevice): boolean {
  return one.size === other.size && !differs(one, other, { offset: 0, lengthBytes: one.size })
}
