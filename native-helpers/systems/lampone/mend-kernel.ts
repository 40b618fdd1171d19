import type { BlockDevice } from '../../block/device.ts'
import { type ChangeContext, type ChangeDraft, differs } from '../change.ts'
import { renamesKernel, type Seen } from './draft-look.ts'
import { compareVersions } from './installed-kernel.ts'
import { renameKernel, rewriteKernel } from './kernel-partition.ts'
import { chosenSource, type KernelSource, kernelSources } from './kernel-source.ts'
import type { MenuTargets } from './menu-edit.ts'
import { modulesOf } from './modules.ts'
import { valueOr } from './tolerant.ts'

const namesOfKernel = { SK: 'SK-SYSTEM2', LIVENG: 'LIVENG_SYSTEM2' }

/** Writes the kernel partition where it has to be, from the best kernel that there is, or from the one that is asked for. */
export async function mendKernel(seen: Seen, draft: ChangeDraft, { options }: ChangeContext, targets: MenuTargets): Promise<void> {
  const { layout, system, union } = seen
  const found = findingsOf(seen)
  const asked = options['kernel-from']
  const isBroken = isUnbootable(found)
  const isNeeded = isBroken || found.has('kernel-partition-stale') || found.has('kernel-without-modules') || asked !== undefined
  const sources = isNeeded && layout.roles.has('kernel') ? await kernelSources(system, union) : []
  const source = isNeeded ? chosenSource(sources, asked) : null
  const isBetter = source !== null && (isBroken || asked !== undefined || (await isBetterThanOwn(seen, source)))
  if (isBetter && source && !isThere(seen, source)) {
    const isWritten = writeKernel(seen, draft, targets, source)
    if (isWritten) draft.keeps.push('The system partition, and all of your changes.')
    if (isWritten && asked === undefined) draft.notes.push(whyThis(source, sources, union.upperHidden))
    return
  }
  if (isNeeded && asked === undefined)
    draft.notes.push('There is no better kernel on this card: none that is whole, with its initrd and its drivers.')
  if (asked !== undefined && source) draft.notes.push(`Linux ${source.version} of ${source.place} is what starts already.`)
  if (seen.kernel && targets.kernelUuid !== null && renamesKernel(seen, targets))
    renameKernel(draft, seen.kernel, targets.kernelUuid)
}

/** Gives the kernel partition these two files, unless it has them, and the identity that it is to have. False where they do not fit. */
export function writeKernel(seen: Seen, draft: ChangeDraft, targets: MenuTargets, source: KernelSource): boolean {
  const { layout, system, kernel } = seen
  const { kernelUuid: uuid } = targets
  const volume = layout.roles.get('kernel')
  if (!volume || uuid === null) return false
  if (kernel && isThere(seen, source)) {
    if (renamesKernel(seen, targets)) renameKernel(draft, kernel, uuid)
    return true
  }
  const volumeId = kernel?.iso.volumeId ?? namesOfKernel[system?.iso.volumeId.startsWith('LIVENG') ? 'LIVENG' : 'SK']
  const bootable = isUnbootable(findingsOf(seen)) ? null : kernel
  if (rewriteKernel(draft, { volume, bootable, volumeId, uuid, source })) return true
  if (kernel && renamesKernel(seen, targets)) renameKernel(draft, kernel, uuid)
  return false
}

function findingsOf({ layout, description }: Seen): Set<string> {
  const number = layout.roles.get('kernel')?.number
  return new Set(description.findings.filter(({ partition }) => partition === number).map(({ id }) => id))
}

function isUnbootable(found: ReadonlySet<string>): boolean {
  return found.has('kernel-partition-unreadable') || found.has('kernel-partition-incomplete')
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
