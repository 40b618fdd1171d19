import type { BlockDevice } from '../../block/device.ts'
import { divide } from '../../block/ranges.ts'
import { type StagedDevice, stagedDevice } from '../../block/staged.ts'
import type { CardSettings } from '../../contract-settings.ts'
import { LivecardError } from '../../errors.ts'
import type { ExtFacts } from '../../volumes/ext-facts.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { freePlaces } from '../free-places.ts'
import { applySettings, settingsOf } from '../settings/apply.ts'
import { Union } from '../settings/union.ts'
import type { CardVolume } from '../system.ts'
import { markUnclean } from '../unclean.ts'
import { openIsoPart } from './iso-part.ts'
import type { Layout } from './layout.ts'
import { lookAtPersistence } from './persistence.ts'
import { keepsEverything } from './persistence-conf.ts'
import { openSystemImage } from './system-image.ts'

/** The superblock lies in it, whatever the size of the volume's blocks. */
const firstBlockBytes = 4096

/**
 * Settings written among the changes, as the running system would have written them: it finds them at its next start. The partitions of the system and of its
 * kernel stay as they are.
 */
export async function customiseLampone(layout: Layout, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const settings = settingsOf(context)
  const { volume, facts } = await openPersistence(layout)
  const lower = await openSystem(layout)
  if (!hasModules())
    throw cannotCustomise('this Livecard was built without the tools for ext volumes', 'Take a complete build of it.')
  const part = draft.part(volume.startBytes, volume.device.size)
  draft.witnesses.push({ offset: volume.startBytes, lengthBytes: 4096 })
  if (!facts.clean || facts.needsRecovery || facts.errorCount > 0) bringInOrder(part, draft, context.seconds)
  const trial = stagedDevice(part)
  try {
    const { steps, changed } = written(trial, lower, settings, context)
    if (changed === 0) {
      draft.notes.push('All of this is set on the card already.')
      return
    }
    markUnclean(draft, part, volume.startBytes, context.seconds)
    write(trial, part, draft)
    const files = `${changed} ${changed === 1 ? 'file is' : 'files are'}`
    draft.steps.push(...steps, `${files} written among your changes, in partition ${volume.number}.`)
    draft.keeps.push('The system as it was shipped, its kernel, and all of your other files.')
  } finally {
    trial.close()
  }
}

/** What was free first, as nothing leads there yet; what says that the volume is in order, which is the first block, when it is. */
function write(trial: StagedDevice, part: BlockDevice, draft: ChangeDraft): void {
  const written = trial.takeWritten()
  const first = { offset: 0, lengthBytes: firstBlockBytes }
  const { outside, inside: free } = divide(written, freePlaces(part, [{ start: 0, lengthBytes: part.size }]))
  const { outside: rest, inside: block } = divide(outside, [first])
  for (const ranges of [free, rest, block]) {
    for (const { offset, lengthBytes } of ranges) {
      const bytes = new Uint8Array(lengthBytes)
      trial.readSync(bytes, offset)
      part.writeSync?.(bytes, offset)
    }
    draft.endGroup()
  }
}

/** Into a view of the partition, which a check has to find whole. */
function written(view: BlockDevice, lower: VolumeTree, settings: CardSettings, context: ChangeContext) {
  const { seconds } = context
  const writer = new ExtWriter(view, { seconds })
  try {
    const union = new Union(writer, changesFolder(writer, lower, seconds), lower, seconds)
    const steps = applySettings(union, settings, context)
    writer.close()
    if (performSync(checkVolume({ mode: 'look', seconds }), view).state !== 'clean')
      throw cannotCustomise('the partition for your changes would be damaged afterwards', 'Repair the card first.')
    return { steps, changed: union.changed.size }
  } catch (thrown) {
    throw thrown instanceof LivecardError && thrown.code === 'ext-full' ? noRoom() : thrown
  }
}

/** The partition for changes, where the system keeps everything in it that is changed; a named error where it does not. */
async function openPersistence(layout: Layout): Promise<{ volume: CardVolume; facts: ExtFacts }> {
  const volume = layout.roles.get('persistence')
  if (!volume) throw cannotCustomise('it has no partition for changes', 'Write the card anew.')
  const persistence = await lookAtPersistence(volume)
  switch (persistence.state) {
    case 'encrypted':
      throw cannotCustomise('its partition for changes is encrypted', 'Set this on the running system.')
    case 'other-kind':
      throw cannotCustomise('its partition for changes is no ext volume', 'Set this on the running system.')
    case 'damaged':
    case 'cut-off':
      throw cannotCustomise(`its partition for changes is damaged: ${persistence.problem.detail}`, 'Repair the card first.')
    case 'open':
  }
  const { mounts, isAufs } = persistence.changes
  if (isAufs) throw cannotCustomise('its changes are kept in the older form of aufs', 'Set this on the running system.')
  if (!mounts || !keepsEverything(mounts)) {
    const why = 'its persistence.conf does not say that the whole system is saved, so that the settings would not be found'
    throw cannotCustomise(why, 'Repair the card first.')
  }
  return { volume, facts: persistence.facts }
}

async function openSystem(layout: Layout): Promise<VolumeTree> {
  const volume = layout.roles.get('system')
  const { value: part, problem } = volume
    ? await openIsoPart(volume)
    : { value: null, problem: { detail: 'there is no such partition' } }
  if (!part) throw systemUnread(problem.detail)
  const { value: image, problem: damaged } = await openSystemImage(part.iso)
  if (!image) throw systemUnread(damaged.detail)
  return image.tree
}

/** A card that was pulled out has changes waiting in its journal: they are carried out first, as the system itself would. */
function bringInOrder(part: BlockDevice, draft: ChangeDraft, seconds: number): void {
  performSync(checkVolume({ mode: 'repair', seconds }), part)
  if (performSync(checkVolume({ mode: 'look', seconds }), part).state !== 'clean')
    throw cannotCustomise('its partition for changes is damaged, and cannot be mended by a check', 'Repair the card first.')
  draft.endGroup()
  draft.steps.push('The partition for your changes was not left cleanly: it is checked and brought in order first.')
}

/** Before the first start there is none; live-boot then makes it, with the folder that overlayfs works in (9990-overlay.sh). */
function changesFolder(writer: ExtWriter, lower: VolumeTree, seconds: number): number {
  const there = writer.lookup(rootInode, 'rw')
  if (there !== null) return there
  const now = { seconds, nanoseconds: 0 }
  for (const name of ['work', 'rw']) {
    if (writer.lookup(rootInode, name) !== null) continue
    const { mode, ownerId, groupId } = lower.root
    const rights = { permissions: mode ?? 0o755, uid: ownerId ?? 0, gid: groupId ?? 0, modified: now, changed: now }
    writer.setAttributes(writer.makeFolder(rootInode, name), rights)
  }
  return writer.lookup(rootInode, 'rw') ?? rootInode
}

function systemUnread(why: string): LivecardError {
  return cannotCustomise(
    `its system partition cannot be read (${why}), by which it is known what is to be changed`,
    'Write the card anew.',
  )
}

function noRoom(): LivecardError {
  return cannotCustomise('its partition for changes is full', 'Enlarge it first, or delete something on the running system.')
}

function cannotCustomise(why: string, next: string): LivecardError {
  return new LivecardError('failed', 'customise-impossible', {
    message: `This card cannot be given settings: ${why}.`,
    meaning: 'Nothing was changed.',
    next,
  })
}
