import type { BlockDevice } from '../../block/device.ts'
import type { Finding, ReportOverlay } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import type { Identity } from '../../volumes/identity.ts'
import { childNamed, type TreeNode, type VolumeTree } from '../../volumes/tree.ts'
import type { Usage } from '../../volumes/usage.ts'
import { volumeUsage } from '../../volumes/usage.ts'
import { found } from '../finding.ts'
import { liveosFindings } from './findings.ts'
import { type LinuxView, linuxView } from './linux-view.ts'
import type { LivePlace } from './live-folder.ts'
import { nearlyFullShare } from './overlay-store.ts'

/** At the root of an overlay image, and beside an overlay folder (dmsquash-live-root.sh). */
export const upperName = 'overlayfs'
export const workName = 'ovlwork'
/** Whiteouts are devices, opaque marks extended attributes of root: filesystems without owners have neither. */
const plainTypes = new Set(['vfat', 'exfat', 'ntfs', 'msdos'])
/** So little does not hold what a start alone writes. */
const fullBytes = 1024 * 1024

export interface FolderReport {
  state: ReportOverlay['state']
  usedBytes: number
  totalBytes: number
  filesystem: ReportOverlay['filesystem']
  findings: Finding[]
  /** What was changed, as overlayfs keeps it; null where it cannot be seen. */
  upper: VolumeTree | null
}

/** An overlay that is a filesystem in a file, with the two folders of overlayfs in it. */
export function describeImage(device: BlockDevice, identity: Identity, name: string, partition: number | null): FolderReport {
  const told = (id: keyof typeof liveosFindings, detail: string) => found(liveosFindings, id, `${name}: ${detail}`, partition)
  if (!identity.type.startsWith('ext')) {
    const usage = volumeUsage(device, identity.type) ?? { usedBytes: 0, totalBytes: device.size }
    return { state: stateOf(usage), ...usage, filesystem: null, findings: roomFindings(usage, 'overlay-image', told), upper: null }
  }
  const { value: view, problem } = linuxView(device)
  if (!view) {
    const findings = [told('overlay-image-damaged', `${problem.detail}.`)]
    return { state: 'damaged', usedBytes: 0, totalBytes: device.size, filesystem: null, findings, upper: null }
  }
  const usage: Usage = { usedBytes: view.filesystem.usedBytes, totalBytes: view.filesystem.totalBytes }
  const findings: Finding[] = []
  const missing = [upperName, workName].filter((folder) => childNamed(view.tree, view.tree.root, folder)?.kind !== 'directory')
  if (missing.length > 0)
    findings.push(told('overlay-image-folders', `there is no folder "${missing.join('" and no folder "')}" in it.`))
  if (view.damage !== null) findings.push(told('overlay-image-damaged', `${view.damage}.`))
  findings.push(...roomFindings(usage, 'overlay-image', told))
  const upperNode = childNamed(view.tree, view.tree.root, upperName)
  return {
    state: missing.length > 0 ? 'unusable' : view.damage !== null ? 'damaged' : stateOf(usage),
    ...usage,
    filesystem: view.filesystem,
    findings,
    upper: treeBelow(view, upperNode),
  }
}

/** An overlay that is a folder on the stick's own filesystem. `parent` is where it lies. */
export function describeFolder(
  { place, parent, node }: { place: LivePlace; parent: TreeNode; node: TreeNode },
  usedBytes: number,
  name: string,
): FolderReport {
  const told = (id: keyof typeof liveosFindings, detail: string) => found(liveosFindings, id, detail, place.partition)
  const host = place.identity?.type ?? null
  const usage: Usage = place.usage ?? { usedBytes, totalBytes: usedBytes }
  const findings: Finding[] = []
  const hasWork = childNamed(place.tree, parent, workName)?.kind === 'directory'
  const isPlain = host !== null && plainTypes.has(host)
  if (isPlain) findings.push(told('overlay-host-filesystem', `${name} lies on ${host}.`))
  if (!hasWork) findings.push(told('overlay-work-missing', `${name} is there, and no folder "${workName}" beside it.`))
  const state = stateOf(usage)
  const room = `${decimalSize(usage.totalBytes - usage.usedBytes)} of ${decimalSize(usage.totalBytes)} are free.`
  if (place.usage && state === 'full') findings.push(told('stick-full', room))
  else if (place.usage && state === 'nearly-full') findings.push(told('stick-nearly-full', room))
  return {
    state: isPlain || !hasWork ? 'unusable' : state,
    usedBytes,
    totalBytes: usedBytes + Math.max(0, usage.totalBytes - usage.usedBytes),
    filesystem: null,
    findings,
    upper: { root: node, foldsCase: place.tree.foldsCase },
  }
}

export function stateOf({ usedBytes, totalBytes }: Usage): 'ok' | 'nearly-full' | 'full' {
  if (totalBytes - usedBytes < fullBytes) return 'full'
  return usedBytes >= totalBytes * nearlyFullShare ? 'nearly-full' : 'ok'
}

export function roomFindings(
  usage: Usage,
  what: 'overlay-image' | 'home',
  told: (id: keyof typeof liveosFindings, detail: string) => Finding,
): Finding[] {
  const state = stateOf(usage)
  const detail = `${decimalSize(usage.totalBytes - usage.usedBytes)} of ${decimalSize(usage.totalBytes)} are free.`
  if (state === 'full') return [told(`${what}-full`, detail)]
  return state === 'nearly-full' ? [told(`${what}-nearly-full`, detail)] : []
}

function treeBelow({ tree }: LinuxView, node: TreeNode | null): VolumeTree | null {
  return node?.kind === 'directory' ? { root: node, foldsCase: tree.foldsCase } : null
}
