import type { Finding } from '../../contract-report.ts'
import { childNamed, findNode } from '../../volumes/tree.ts'
import { found } from '../finding.ts'
import type { OpenedFolder } from './detect.ts'
import { liveosFindings } from './findings.ts'
import { type LivePlace, overlayNames, pathIn } from './live-folder.ts'
import { type DeviceName, isNamed, liveArguments, textOfName } from './menu-arguments.ts'
import type { BootFile, LiveEntry, Menus } from './menus.ts'

interface Checked {
  places: readonly LivePlace[]
  folders: readonly OpenedFolder[]
  menus: Menus
  /** Written raw: an overlay partition that is not there yet is made at the first start (dracut's autooverlay). */
  isIso: boolean
}

type Tell = (id: keyof typeof liveosFindings, detail: string, place: LivePlace) => void

/** Whether what the menus ask for is there, and what is there is asked for. Each thing is told of once, however many entries say it. */
export function checkMenus(checked: Checked): Finding[] {
  const findings: Finding[] = []
  const tell: Tell = (id, detail, place) => {
    if (findings.some((known) => known.id === id && known.detail === detail)) return
    findings.push(found(liveosFindings, id, detail, place.partition))
  }
  for (const live of checked.menus.entries) checkEntry(checked, live, tell)
  const starting = checked.menus.entries.filter(({ starts }) => starts)
  for (const live of starting) checkStart(checked, live, tell)
  checkNames(checked, tell)
  return findings
}

function checkEntry({ folders }: Checked, { menu, place, entry, kernel, initrds }: LiveEntry, tell: Tell): void {
  const wanted = liveArguments(entry.arguments)
  const missing = (file: BootFile | null): file is BootFile => file !== null && file.node === null
  if (missing(kernel)) tell('liveos-menu-kernel', `"${menu}" names "${kernel.path}".`, place)
  for (const file of initrds.filter(missing)) tell('liveos-menu-initrd', `"${menu}" names "${file.path}".`, place)
  const systems = folders.filter(({ image }) => image !== null)
  if (wanted.root && isElsewhere(wanted.root, systems)) {
    tell('liveos-menu-root', `"${menu}" names ${textOfName(wanted.root)}, ${systemsText(systems)}.`, place)
  } else if (
    systems.length > 0 &&
    systems.every(({ path, place: { tree } }) => !samePath(path, wanted.folder, tree.foldsCase)) &&
    !isGivenFolder(systems)
  ) {
    tell('liveos-menu-folder', `"${menu}" names "${wanted.folder}", the system lies in "${systems[0]?.path ?? ''}".`, place)
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
function checkStart(checked: Checked, { menu, place, entry }: LiveEntry, tell: Tell): void {
  const wanted = liveArguments(entry.arguments)
  const folders = checked.folders.filter(({ path, place: { tree } }) => samePath(path, wanted.folder, tree.foldsCase))
  const overlays = folders.flatMap((folder) => folder.overlays.map(({ name }) => pathIn(folder, name)))
  const { overlay } = wanted
  if (!overlay) {
    if (overlays.length > 0) tell('overlay-not-used', `"${menu}" has no rd.live.overlay for "${overlays[0]}".`, place)
    return
  }
  if (wanted.resets) tell('overlay-menu-reset', `"${menu}" has rd.live.overlay.reset in "${entry.title}".`, place)
  if (wanted.readOnly) tell('overlay-menu-readonly', `"${menu}" has rd.live.overlay.readonly in "${entry.title}".`, place)
  const hosts = checked.places.filter((host) => isNamed(overlay.device, host) !== false)
  if (hosts.length === 0) {
    const isMadeLater = checked.isIso && (overlay.device.by === 'label' || overlay.device.by === 'partlabel')
    if (!isMadeLater) tell('liveos-menu-overlay', `"${menu}" names ${textOfName(overlay.device)}.`, place)
    return
  }
  if (overlay.path !== null) {
    const { path } = overlay
    if (hosts.every(({ tree }) => findNode(tree, path) === null)) tell('overlay-missing', `"${menu}" names "${path}".`, place)
    return
  }
  const isThere = folders.some((folder) => hosts.includes(folder.place) && folder.overlays.length > 0)
  if (!isThere && !checked.isIso) tell('overlay-missing', `"${menu}" asks for one on ${textOfName(overlay.device)}.`, place)
}

/** An overlay whose name is not that of the filesystem with the image is only found where a menu names its path. */
function checkNames({ folders, menus }: Checked, tell: Tell): void {
  const owner = folders.find(({ image }) => image !== null)
  const named = new Set(
    menus.entries.flatMap(({ entry }) => {
      const path = liveArguments(entry.arguments).overlay?.path
      return path ? [path.toLowerCase()] : []
    }),
  )
  for (const folder of folders) {
    const identity = (folder.image === null ? owner : folder)?.place.identity
    if (!identity || folder.overlays.length === 0) continue
    const expected = overlayNames(identity)
    const isExpected = expected.some((name) => childNamed(folder.place.tree, folder.node, name) !== null)
    const isNamedByPath = folder.overlays.some(({ name }) => named.has(pathIn(folder, name).toLowerCase()))
    if (isExpected || isNamedByPath) continue
    const [first] = folder.overlays
    tell('overlay-name', `"${pathIn(folder, first?.name ?? '')}" should be named "${expected[0]}".`, folder.place)
  }
}
