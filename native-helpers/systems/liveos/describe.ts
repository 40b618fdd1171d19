import type { ReportOverlay } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { found } from '../finding.ts'
import { releaseOf } from '../linux-root.ts'
import type { Card, Description } from '../system.ts'
import { attempt } from './attempt.ts'
import { checkMenus } from './check-menus.ts'
import { checkStick } from './check-stick.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { liveosFindings } from './findings.ts'
import { describeHome } from './home-image.ts'
import { describeKernels } from './kernels.ts'
import { linuxView } from './linux-view.ts'
import { pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { readMenus } from './menus.ts'
import { describeOverlayFile, describeOverlayNode, type OverlayReport } from './overlay.ts'
import { stateOf } from './overlay-folders.ts'

export async function describeLive(card: Card, live: LiveSystem): Promise<Description> {
  const description: Description = { kernels: [], overlays: [], rooms: [], slots: [], findings: [], facts: [] }
  if (live.alone) return overlayAlone(card, live.alone, description)
  const { folders, places, unread } = live
  if (unread) {
    const detail = `Partition ${unread.number} is ${unread.identity?.type ?? 'unknown'}.`
    description.findings.push(found(liveosFindings, 'liveos-host-unread', detail, unread.number))
  }
  const main = folders.find(({ image }) => image !== null) ?? null
  const roots = folders.flatMap((folder) => describeFolder(folder, folder.image === null ? main : folder, description))
  attempt(description.findings, 'The root of the system', null, () => addRelease(roots, description))
  addStickRoom(main, description)
  const menus = readMenus(places, folders, description.findings)
  description.findings.push(...checkMenus({ places, folders, menus, isIso: live.form === 'iso' }), ...checkStick(card, live, menus))
  // What an image that cannot be read would add is not known.
  const isWhole = unread === null && folders.every(({ opened }) => opened === null || opened.value !== null)
  const { kernels, findings } = await describeKernels(menus.entries, isWhole ? roots : null)
  description.kernels.push(...kernels)
  description.findings.push(...findings)
  return description
}

function overlayAlone(card: Card, { device, image }: NonNullable<LiveSystem['alone']>, description: Description): Description {
  const report = attempt(description.findings, card.path, null, () =>
    describeOverlayFile(device, { path: card.path, partition: null, image: image?.value ?? null, hostType: null }),
  )
  if (report) take(description, report)
  if (image?.problem) description.findings.push(found(liveosFindings, ofProblem(image.problem.code), `${image.problem.detail}.`))
  if (image?.value) addImageFacts(image.value, description)
  const root = report?.root
  if (root) attempt(description.findings, 'The root of the system', null, () => addRelease([root], description))
  return description
}

/** Returns what a started system sees. `owner` is the folder with the image that these changes belong to; it is the folder itself but on a partition that only keeps the changes. */
function describeFolder(folder: OpenedFolder, owner: OpenedFolder | null, description: Description): VolumeTree[] {
  const { place, image, opened, overlays, home } = folder
  if (image && opened?.problem) {
    const { code, detail } = opened.problem
    description.findings.push(found(liveosFindings, ofProblem(code), `${pathIn(folder, image.name)}: ${detail}.`, place.partition))
  }
  if (opened?.value) {
    addImageFacts(opened.value, description)
    if (opened.value.origin?.path?.endsWith('ext3fs.img') || image?.name === 'ext3fs.img')
      description.findings.push(
        found(liveosFindings, 'liveos-image-name', `${pathIn(folder, image?.name ?? '')}.`, place.partition),
      )
  }
  const ownImage = owner?.opened?.value ?? null
  const reports = overlays.flatMap((node) => {
    const path = pathIn(folder, node.name)
    return attempt(description.findings, path, place.partition, () => describeOverlayNode(folder, node, ownImage)) ?? []
  })
  for (const report of reports) take(description, report)
  const roots = reports.flatMap(({ root }) => root ?? [])
  // Seen through a snapshot the image is part of what is seen; under a folder it lies as it is.
  const liesBelow = reports.every(({ overlay }) => overlay.kind !== 'dm-snapshot')
  if (opened?.value && liesBelow) roots.push(...rootsOf(folder, opened.value, description))
  if (home)
    attempt(description.findings, pathIn(folder, home.name), place.partition, () => describeHomeOf(folder, home, description))
  return roots
}

function take(description: Description, { overlay, findings, rooms }: OverlayReport): void {
  description.overlays.push(overlay)
  description.findings.push(...findings)
  description.rooms.push(...rooms)
}

function ofProblem(code: string): keyof typeof liveosFindings {
  return code in liveosFindings ? (code as keyof typeof liveosFindings) : 'liveos-image-damaged'
}

/** Without an overlay the image is all there is. One that lies unpacked on the stick is written to itself. */
function rootsOf(folder: OpenedFolder, image: LiveImage, description: Description): VolumeTree[] {
  if (image.flatRoot) return [image.flatRoot]
  if (!image.origin?.identity.type.startsWith('ext')) return []
  const { partition } = folder.place
  const path = pathIn(folder, folder.image?.name ?? '')
  const { value: view, problem } = linuxView(image.origin.device)
  if (!view) {
    description.findings.push(found(liveosFindings, 'liveos-image-damaged', `${path}: ${problem.detail}.`, partition))
    return []
  }
  const { filesystem } = view
  if (view.damage !== null)
    description.findings.push(found(liveosFindings, 'liveos-image-damaged', `${path}: ${view.damage}.`, partition))
  if (image.container === 'none' && folder.overlays.length === 0) {
    const state: ReportOverlay['state'] = view.damage === null ? stateOf(filesystem) : 'damaged'
    const { usedBytes, totalBytes } = filesystem
    description.overlays.push({ path, partition, kind: 'ext4-rw', state, usedBytes, totalBytes, snapshot: null, filesystem })
    description.rooms.push({ id: 'system', title: 'Files of the system', usedBytes, totalBytes, note: null })
  }
  return [view.tree]
}

function describeHomeOf(folder: OpenedFolder, home: NonNullable<OpenedFolder['home']>, description: Description): void {
  const path = pathIn(folder, home.name)
  const { value: device, problem } = home.open()
  if (!device) {
    description.findings.push(found(liveosFindings, 'liveos-file-damaged', `${path}: ${problem.detail}.`, folder.place.partition))
    return
  }
  const { rooms, findings, facts } = describeHome(device, path, folder.place.partition)
  description.rooms.push(...rooms)
  description.findings.push(...findings)
  description.facts.push(...facts)
}

function addImageFacts({ container, origin }: LiveImage, { facts }: Description): void {
  const packed = container === 'none' ? 'not packed' : `packed as ${container}`
  const value = origin
    ? `${origin.identity.type} of ${decimalSize(origin.device.size)}, ${packed}; UUID ${origin.identity.uuid ?? 'none'}`
    : `flat tree, ${packed}`
  facts.push({ label: 'System image', value })
}

function addRelease(roots: readonly VolumeTree[], { facts }: Description): void {
  for (const root of roots) {
    const release = releaseOf(root)
    if (!release) continue
    if (!facts.some(({ value }) => value === release.name)) facts.push({ label: 'System', value: release.name })
    return
  }
}

function addStickRoom(main: OpenedFolder | null, { rooms }: Description): void {
  const usage = main?.place.usage
  if (!usage || main.place.identity?.type === 'iso9660') return
  rooms.push({ id: 'stick', title: 'Stick', ...usage, note: null })
}
