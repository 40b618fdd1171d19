import type { BlockDevice } from '../../block/device.ts'
import { stagedDevice } from '../../block/staged.ts'
import { identify } from '../../volumes/identify.ts'
import { childNamed } from '../../volumes/tree.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { isSound } from '../sound-ext.ts'
import { markUnclean } from '../unclean.ts'
import { type LinuxView, linuxView } from './linux-view.ts'
import type { StoreFile } from './store-file.ts'

/** As dracut and livecd-tools make them. */
const folderPermissions = 0o755

/** A filesystem in a file of the stick, a home or an overlay image, that is damaged, was not closed, or lacks folders that it should have at its root. */
export function repairImage(file: StoreFile, folders: readonly string[], draft: ChangeDraft, { seconds }: ChangeContext): void {
  const { volume: identity } = identify(file.device)
  if (!identity?.type.startsWith('ext')) return
  const { value: view } = linuxView(file.device)
  // What is missing behind its end is no matter of its folders and maps.
  if (view && view.filesystem.totalBytes > file.device.size) return
  const missing = folders.filter((name) => !view || childNamed(view.tree, view.tree.root, name)?.kind !== 'directory')
  if (view && !needsCheck(view) && missing.length === 0) return
  if (!hasModules()) {
    draft.notes.push(`${file.name}: it has to be repaired, and this Livecard was built without the tools for that.`)
    return
  }
  draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(file.device.size, 4096) })
  const stage = stagedDevice(file.device)
  try {
    performSync(checkVolume({ mode: 'repair', seconds }), stage)
    if (missing.length > 0) makeFolders(stage, missing, seconds)
    if (!isSound(stage, seconds)) {
      draft.notes.push(`${file.name}: after a full check it is still damaged, so it is left as it is. Keep a copy of it.`)
      return
    }
    markUnclean(draft, file.device, file.startBytes, seconds)
    for (const { offset, bytes } of stage.changes()) file.device.writeSync?.(bytes, offset)
    file.settle?.()
    draft.endGroup()
  } finally {
    stage.close()
  }
  if (!view || needsCheck(view))
    draft.steps.push(`${file.name}: carry out what waits in its journal and mend the filesystem in it, as e2fsck does.`)
  if (missing.length > 0) draft.steps.push(`${file.name}: make the folders "${missing.join('" and "')}" in it.`)
}

function needsCheck({ damage, filesystem }: LinuxView): boolean {
  return damage !== null || filesystem.needsRecovery || !filesystem.clean
}

/** Beside an overlay that is a folder on the stick itself. */
export function repairWorkFolder(
  part: { name: string; device: BlockDevice; startBytes: number },
  path: string,
  draft: ChangeDraft,
  { seconds }: ChangeContext,
): void {
  if (!hasModules()) {
    draft.notes.push(`${part.name}: it has to be repaired, and this Livecard was built without the tools for that.`)
    return
  }
  markUnclean(draft, part.device, part.startBytes, seconds)
  makeFolders(part.device, [path], seconds)
  draft.endGroup()
  draft.steps.push(`Make the folder "${path}" on ${part.name.toLowerCase()}.`)
}

function makeFolders(device: BlockDevice, paths: readonly string[], seconds: number): void {
  const writer = new ExtWriter(device, { seconds })
  for (const path of paths) {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    const parent = parts.length === 0 ? rootInode : writer.find(parts.join('/'))
    if (writer.lookup(parent, name) !== null) continue
    writer.setAttributes(writer.makeFolder(parent, name), { permissions: folderPermissions })
  }
  writer.close()
}
