import type { Finding } from '../../contract-report.ts'
import { childNamed, findNode } from '../../volumes/tree.ts'
import { found } from '../finding.ts'
import type { OpenedFolder } from './detect.ts'
import { liveosFindings } from './findings.ts'
import { isVolumeOverlay, type LivePlace, overlayNames, pathIn } from './live-folder.ts'
import { type DeviceName, isNamed, liveArguments, textOfName } from './menu-arguments.ts'
import type { BootFile, LiveEntry, Menus } from './menus.ts'

interface Checked {
  places: readonly LivePlace[]
  folders: readonly OpenedFolder[]
  menus: Menus
  /** Written raw: an overlay partition that is not there yet is made at the first start (dracut's autooverlay). */
  isIso: boolean
}

type MenuFinding = keyof typeof liveosFindings
type Tell = (id: MenuFinding, { menu, place }: Pick<LiveEntry, 'menu' | 'place'>, what: string) => void

/** Whether what the menus ask for is there, and what is there is asked for. Each thing is told of once, however many entries and menus say it. */
export function checkMenus(checked: Checked): Finding[] {
  const gathered = new Map<string, { id: MenuFinding; what: string; partition: number | null; menus: Set<string> }>()
  const tell: Tell = (id, { menu, place }, what) => {
    const key = `${id} ${what}`
    const known = gathered.get(key) ?? { id, what, partition: place.partition, menus: new Set() }
    known.menus.add(`"${menu}"`)
    gathered.set(key, known)
  }
  for (const live of checked.menus.entries) checkEntry(checked, live, tell)
  for (const live of checked.menus.entries) if (live.starts) checkStart(checked, live, tell)
  const findings = [...gathered.values()].map(({ id, what, partition, menus }) =>
    found(liveosFindings, id, `In ${[...menus].join(' and ')}: ${what}.`, partition),
  )
  return [...findings, ...checkNames(checked)]
}

function checkEntry({ folders }: Checked, live: LiveEntry, tell: Tell): void {
  const { entry, kernel, initrds } = live
  const wanted = liveArguments(entry.arguments)
  const missing = (file: BootFile | null): file is BootFile => file !== null && file.node === null
  if (missing(kernel)) tell('liveos-menu-kernel', live, `the kernel "${kernel.path}"`)
  for (const file of initrds.filter(missing)) tell('liveos-menu-initrd', live, `the initrd "${file.path}"`)
  const systems = folders.filter(({ image }) => image !== null)
  if (wanted.root && isElsewhere(wanted.root, systems)) {
    tell('liveos-menu-root', live, `root=live:${textOfName(wanted.root)}, and ${systemsText(systems)}`)
  } else if (
    systems.length > 0 &&
    systems.every(({ path, place: { tree } }) => !samePath(path, wanted.folder, tree.foldsCase)) &&
    !isGivenFolder(systems)
  ) {
    tell('liveos-menu-folder', live, `the folder "${wanted.folder}", and the system lies in "${systems[0]?.path ?? ''}"`)
  }
}

function isElsewhere(name: DeviceName, systems: readonly OpenedFolder[]): boolean {
  return systems.length > 0 && systems.every(({ place }) => isNamed(name, place) === false)
}

function systemsText(systems: readonly OpenedFolder[]): string {
  const [identity] = systems.map(({ place }) => place.identity)
  return `the system lies on LABEL=${identity?.label ?? ''} UUID=${identity?.uuid ?? ''}`
}

function samePath(one: string, other: string, foldsCase: boolean): boolean {
  return foldsCase ? one.toLowerCase() === other.toLowerCase() : one === other
}

/** The folder with the system was given itself: what it is called where it lies is not known. */
function isGivenFolder(systems: readonly OpenedFolder[]): boolean {
  return systems.some(({ path }) => path === '')
}

/** About the overlay, only what starts by itself counts: other entries leave it out on purpose. */
function checkStart(checked: Checked, live: LiveEntry, tell: Tell): void {
  const { entry } = live
  const wanted = liveArguments(entry.arguments)
  const folders = checked.folders.filter(
    (folder) => isVolumeOverlay(folder) || samePath(folder.path, wanted.folder, folder.place.tree.foldsCase),
  )
  // That it is not there is told already, and what would be in it is not known.
  if (folders.length === 0) return
  const overlays = folders.flatMap((folder) => folder.overlays.map(({ name }) => pathIn(folder, name)))
  const { overlay } = wanted
  if (!overlay) {
    if (overlays.length > 0) tell('overlay-not-used', live, `no rd.live.overlay for "${overlays[0]}"`)
    return
  }
  if (wanted.resets) tell('overlay-menu-reset', live, `rd.live.overlay.reset in "${entry.title}"`)
  if (wanted.readOnly) tell('overlay-menu-readonly', live, `rd.live.overlay.readonly in "${entry.title}"`)
  const hosts = checked.places.filter((host) => isNamed(overlay.device, host) !== false)
  if (hosts.length === 0) {
    const isMadeLater = checked.isIso && (overlay.device.by === 'label' || overlay.device.by === 'partlabel')
    if (!isMadeLater) tell('liveos-menu-overlay', live, `rd.live.overlay=${textOfName(overlay.device)}`)
    return
  }
  if (overlay.path !== null) {
    const { path } = overlay
    if (hosts.every(({ tree }) => findNode(tree, path) === null)) tell('overlay-missing', live, `"${path}"`)
    return
  }
  const isThere = folders.some((folder) => hosts.includes(folder.place) && folder.overlays.length > 0)
  if (!isThere && !checked.isIso) tell('overlay-missing', live, `one on ${textOfName(overlay.device)}`)
}

/** An overlay whose name is not that of the filesystem with the image is only found where a menu names its path. */
function checkNames({ folders, menus }: Checked): Finding[] {
  const findings: Finding[] = []
  const owner = folders.find(({ image }) => image !== null)
  const named = new Set(
    menus.entries.flatMap(({ entry }) => {
      const path = liveArguments(entry.arguments).overlay?.path
      return path ? [path.toLowerCase()] : []
    }),
  )
  for (const folder of folders) {
    const identity = (folder.image === null ? owner : folder)?.place.identity
    if (!identity || folder.overlays.length === 0 || isVolumeOverlay(folder)) continue
    const expected = overlayNames(identity)
    const isExpected = expected.some((name) => childNamed(folder.place.tree, folder.node, name) !== null)
    const isNamedByPath = folder.overlays.some(({ name }) => named.has(pathIn(folder, name).toLowerCase()))
    if (isExpected || isNamedByPath) continue
    const [first] = folder.overlays
    const detail = `"${pathIn(folder, first?.name ?? '')}" should be named "${expected[0]}".`
    findings.push(found(liveosFindings, 'overlay-name', detail, folder.place.partition))
  }
  return findings
}
