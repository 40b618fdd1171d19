import { setFatLabel } from '../../volumes/fat-label.ts'
import { performSync, tuneVolume } from '../../wasm/ext-programs.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { overlayNames } from './live-folder.ts'
import { liveArguments } from './menu-arguments.ts'
import { readMenus } from './menus.ts'

/** The longest that ext has room for. */
const extLabelBytes = 16

/**
 * A stick that was given another name, of which the boot menu and the overlay still say the old one, gets that back: one thing is mended instead of all that
 * name it. Only where everything that names the stick agrees about the name.
 */
export function repairLabel(live: LiveSystem, draft: ChangeDraft, { seconds }: ChangeContext): void {
  const systems = live.folders.filter(({ image }) => image !== null)
  const [folder] = systems
  const volume = folder?.place.volume
  if (!folder || !volume?.identity || systems.some(({ place }) => place !== folder.place)) return
  const label = formerLabel(live, folder)
  if (label === null) return
  const name = `Partition ${volume.number}`
  const part = draft.part(volume.startBytes, volume.device.size)
  if (volume.identity.type === 'vfat') {
    const { problem } = setFatLabel(part, label)
    if (problem) return
  } else if (volume.identity.type.startsWith('ext') && hasModules() && Buffer.byteLength(label) <= extLabelBytes) {
    performSync(tuneVolume(['-L', label], { seconds }), part)
  } else return
  draft.endGroup()
  draft.steps.push(
    `${name}: name it "${label}" again, as the boot menu or the overlay call it; its name is "${volume.identity.label ?? ''}" now.`,
  )
}

/** Null where nothing asks for another name than the stick has, or not all for the same. */
function formerLabel({ places, folders }: LiveSystem, { place, overlays }: OpenedFolder): string | null {
  const { identity } = place
  if (!identity || overlays.some(({ name }) => overlayNames(identity).includes(name))) return null
  const inMenus = readMenus(places, folders, []).entries.flatMap(({ entry }) => {
    const { root, overlay } = liveArguments(entry.arguments)
    return [root, overlay?.device].flatMap((name) => (name?.by === 'label' ? [name.value] : []))
  })
  const end = `-${identity.uuid ?? ''}`
  const inNames = overlays.flatMap(({ name }) =>
    name.toLowerCase().endsWith(end.toLowerCase()) ? [name.slice('overlay-'.length, -end.length)] : [],
  )
  const asked = [...new Set([...inMenus, ...inNames.filter((name) => !inMenus.some((one) => one.replaceAll(' ', '_') === name))])]
  const [label, ...others] = asked
  if (label === undefined || label === '' || others.length > 0 || label === identity.label) return null
  return places.some((other) => other !== place && other.identity?.label === label) ? null : label
}
