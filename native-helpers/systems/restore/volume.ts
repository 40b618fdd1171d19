import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { type Extent, extentsDevice } from '../../block/extents.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { descriptorBlock, descriptorBlocks } from '../../volumes/ext-groups.ts'
import { extSuperblockBytes, extSuperblockOffset, parseExtSuperblock } from '../../volumes/ext-superblock.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeDraft } from '../change.ts'
import { endInExtOrder } from '../ext-order.ts'
import type { CardVolume } from '../system.ts'
import { markUnclean } from '../unclean.ts'
import type { OpenedSpot, RestoreSpot } from './spot.ts'

type Words = Pick<RestoreSpot, 'what' | 'title' | 'forms'> & Partial<Pick<RestoreSpot, 'folder' | 'cleared' | 'kept'>>

/** A folder of a partition, or all of it, as a place that files are put back into. */
export function volumeSpot({ startBytes, device, identity, problem }: CardVolume, words: Words): RestoreSpot {
  const why = identity ? whyNot(identity.type) : (problem?.detail ?? 'there is no filesystem that is known')
  return extentsSpot([{ start: startBytes, lengthBytes: device.size }], words, why)
}

/** The same of a volume that lies on the card in pieces. `problem`: why it cannot be written to. */
export function extentsSpot(extents: readonly Extent[], words: Words, problem: string | null): RestoreSpot {
  const holes = extents.some(({ start }) => start === null) ? 'its file has holes, which only the system itself can fill' : null
  return {
    ...{ folder: '', cleared: [], kept: [], appliesMarks: false },
    ...words,
    problem: problem ?? holes,
    open: (draft, { seconds }) => openVolume(draft, extents, words.title, seconds),
  }
}

export function whyNot(type: string): string | null {
  if (type === 'crypto_LUKS') return 'it is encrypted, so that only the system itself can put files there'
  return type.startsWith('ext') ? null : `files in a volume of the kind ${type} are not written here`
}

/** One that was not left cleanly is mended first, in the view. */
function openVolume(draft: ChangeDraft, extents: readonly Extent[], title: string, seconds: number): OpenedSpot {
  if (!hasModules()) throw impossible(title, 'this Livecard was built without the tools for ext volumes')
  const device = extentsDevice(draft.view, extents)
  const { value: facts, problem } = readExtFacts(device)
  if (!facts) throw impossible(title, problem.detail)
  const startBytes = extents[0]?.start ?? 0
  draft.witnesses.push({ offset: startBytes, lengthBytes: Math.min(4096, extents[0]?.lengthBytes ?? 0) })
  const state = stateOf(extentsDevice(draft.card, extents), JSON.stringify(extents))
  if (!facts.clean || facts.needsRecovery || facts.errorCount > 0) {
    performSync(checkVolume({ mode: 'repair', seconds }), device)
    checkClean(device, title, seconds, 'it is damaged beyond repair')
    draft.endGroup()
    draft.steps.push(`First carry out what waits in the journal of ${title}, and mend it, as e2fsck does: it was not left cleanly.`)
  }
  return {
    device,
    state,
    isAsDelivered: false,
    checkRoom() {},
    begin() {
      draft.forgetFreeIn(extents)
      // It says that it was not left cleanly until all is there.
      if ((extents[0]?.lengthBytes ?? 0) >= extSuperblockOffset + extSuperblockBytes)
        markUnclean(draft, device, startBytes, seconds)
    },
    end() {
      checkClean(device, title, seconds, 'it would be damaged afterwards')
      if (extents.length === 1) endInExtOrder(draft, device, startBytes)
      else draft.endGroup()
    },
  }
}

/** By a check that others have written; it must be without any fault. */
export function checkClean({ size, sectorSize, readSync }: BlockDevice, title: string, seconds: number, why: string): void {
  const { state, text } = performSync(checkVolume({ mode: 'look', seconds }), { size, sectorSize, readSync })
  if (state !== 'clean') throw impossible(title, `${why} (${text.trim().split('\n').at(-1) ?? ''})`)
}

/** What changes in a volume with every use of it: the superblock, and the descriptors with the sums of the maps. */
export function stateOf(device: BlockDevice, place: string): string {
  const hash = createHash('sha256').update(place)
  const superblock = pieceAt(device, extSuperblockOffset, extSuperblockBytes)
  hash.update(superblock)
  const { value: sb } = parseExtSuperblock(superblock)
  for (let index = 0; sb && index < descriptorBlocks(sb); index += 1) {
    const offset = descriptorBlock(sb, index) * sb.blockBytes
    if (offset + sb.blockBytes <= device.size) hash.update(pieceAt(device, offset, sb.blockBytes))
  }
  return hash.digest('hex')
}

function pieceAt(device: BlockDevice, offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  device.readSync(bytes, offset)
  return bytes
}

export function impossible(title: string, why: string): LivecardError {
  return new LivecardError('failed', 'restore-impossible', {
    message: `Nothing can be put back into ${title}: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Repair the card first with "livecard repair"; "livecard inspect" shows what is wrong with it.',
  })
}
