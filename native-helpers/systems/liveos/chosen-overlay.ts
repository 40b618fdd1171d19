import type { LivecardError } from '../../errors.ts'
import type { TreeNode } from '../../volumes/tree.ts'
import type { OpenedFolder } from './detect.ts'
import { isVolumeOverlay, overlayNames, pathIn } from './live-folder.ts'

/** The error of a job that cannot be done: what, and why, a clause. */
type Refuse = (what: string, why: string) => LivecardError

/** The overlay that the system uses. Of several, one that nobody uses may be all that is left of somebody's files. */
export function chosenOverlay(folders: readonly OpenedFolder[], refuse: Refuse): { folder: OpenedFolder; overlay: TreeNode } {
  const owner = folders.find(({ image }) => image !== null)
  const all = folders.flatMap((folder) => folder.overlays.map((overlay) => ({ folder, overlay })))
  const [only, ...more] = all
  if (!only) throw noOverlay(folders, refuse)
  if (more.length === 0) return only
  const used = all.filter(({ folder, overlay }) => {
    const identity = (folder.image === null ? owner : folder)?.place.identity
    return isVolumeOverlay(folder) || (identity && overlayNames(identity).includes(overlay.name))
  })
  const [first, ...others] = used
  if (!first || others.length > 0)
    throw several(
      all.map(({ folder, overlay }) => pathIn(folder, overlay.name)),
      refuse,
    )
  return first
}

function noOverlay(folders: readonly OpenedFolder[], refuse: Refuse): LivecardError {
  const unpacked = folders.some(({ opened }) => opened?.value?.container === 'none')
  return refuse(
    'This system',
    unpacked
      ? 'it is written to itself, and what it was before is not on the stick'
      : 'it keeps no changes here, so that it is as it was delivered',
  )
}

function several(paths: readonly string[], refuse: Refuse): LivecardError {
  return refuse('This stick', `it has several overlays (${paths.join(', ')}), and which of them the system uses cannot be told`)
}
