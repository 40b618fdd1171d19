import { decimalSize } from '../../decimal-size.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { keptPaths } from '../reset.ts'
import { changeExt, emptyUpper, impossible } from '../reset-folders.ts'
import { lookAtDraft, renamesKernel, type Seen, targetsOf } from './draft-look.ts'
import { kernelSources } from './kernel-source.ts'
import { writeKernel } from './mend-kernel.ts'
import { mendMenus } from './menu-mend.ts'
import { type Persistence, sizeOfChanges } from './persistence.ts'
import { confPath, keepsEverything } from './persistence-conf.ts'

const upperName = 'rw'
const workName = 'work'

/**
 * Back to the system as it was delivered: the kernel partition first, whose kernel has its drivers in the compressed system, then the changes, all or
 * but for what is named. A power cut in between leaves a card that starts, with the changes as they were or partly gone; the rest follows when it is reset again.
 */
export async function resetLampone(path: string, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const keep = keptPaths(context)
  const seen = await lookAtDraft(path, draft)
  const persistence = seen && openPersistence(seen.persistence)
  if (!persistence) throw impossible('This card', 'it has no partition for changes')
  await resetKernel(seen, draft, context)
  emptyChanges(seen, persistence, keep, draft, context)
  draft.keeps.push(`The system itself, the boot menu, ${confPath}, and whatever else lies beside the changes.`)
}

type OpenPersistence = Extract<Persistence, { state: 'open' }>

function openPersistence(persistence: Persistence | null): OpenPersistence | null {
  if (!persistence) return null
  const name = `Partition ${persistence.volume.number}`
  switch (persistence.state) {
    case 'encrypted':
      throw impossible(name, 'it is encrypted; the running system can remove the changes in it')
    case 'other-kind':
      throw impossible(name, `it holds ${persistence.volume.identity?.type}, which is not written to here`)
    case 'damaged':
    case 'cut-off':
      throw impossible(name, `it is damaged (${persistence.problem.detail}); a repair has to come first`)
    case 'open':
      if (persistence.changes.isAufs) throw impossible(name, 'its changes are in the form of an older system')
      return persistence
  }
}

/** The kernel that the system came with, unless it is there already. */
async function resetKernel(seen: Seen, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const volume = seen.layout.roles.get('kernel')
  if (!volume) return
  const stock = (await kernelSources(seen.system, { ...seen.union, upper: null, upperHidden: false })).find(
    ({ from }) => from === 'system',
  )
  if (!stock) {
    draft.notes.push(
      `The kernel that the system came with is missing or damaged, so that partition ${volume.number} keeps the one that it has.`,
    )
    return
  }
  const targets = targetsOf(seen, draft, context)
  const boot = seen.layout.roles.get('boot')
  writeKernel(seen, draft, targets, stock)
  if (boot && (seen.kernel === null || renamesKernel(seen, targets))) mendMenus(draft, boot, targets)
}

function emptyChanges(
  { union }: Seen,
  { volume, changes }: OpenPersistence,
  keep: readonly string[],
  draft: ChangeDraft,
  context: ChangeContext,
): void {
  const { upper, mounts } = changes
  const size = upper && sizeOfChanges(upper)
  const isEmpty = !upper || (upper.root.list().entries.length === 0 && keep.length === 0)
  const elsewhere = (mounts ?? []).filter((mount) => !keepsEverything([mount])).map(({ directory }) => directory)
  if (elsewhere.length > 0)
    draft.notes.push(`${confPath} keeps ${elsewhere.join(' and ')} in a folder of its own, which stays as it is.`)
  if (isEmpty || !size) {
    draft.notes.push('No changes have been saved on this card.')
    return
  }
  const part = {
    name: `Partition ${volume.number}`,
    device: draft.part(volume.startBytes, volume.device.size),
    startBytes: volume.startBytes,
    inOnePiece: true as const,
  }
  let gone = 0
  changeExt(part, draft, context, (writer) => {
    gone = emptyUpper(writer, { name: upperName, upper: upperName, work: workName }, keep, union.lower)
  })
  const names = keep.map((path) => `/${path}`).join(' and ')
  draft.steps.push(
    `${part.name}: remove the ${gone} files and folders in which it keeps changes${names ? `, and leave ${names}` : ''}.`,
  )
  if (names) draft.keeps.push(`${names}, with owners, rights and all else as they are.`)
  const whiteouts = size.whiteouts > 0 ? ` Of its own files, ${size.whiteouts} that were deleted come back.` : ''
  draft.loses.push(
    `Everything that was changed, installed or saved in the system since it was delivered${names ? `, but for ${names}` : ''}: ${decimalSize(size.bytes)} in ${size.files} files, accounts and passwords among them.${whiteouts}`,
  )
}
