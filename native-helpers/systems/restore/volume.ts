import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { extentsDevice } from '../../block/extents.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { descriptorBlock, descriptorBlocks } from '../../volumes/ext-groups.ts'
import { extSuperblockBytes, extSuperblockOffset, parseExtSuperblock } from '../../volumes/ext-superblock.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeDraft } from '../change.ts'
import { markUnclean } from '../unclean.ts'
import type { RestoreSpot } from './spot.ts'

/** A spot's volume on the view of a draft. One that was not left cleanly is mended there first. */
export function openVolume(draft: ChangeDraft, spot: RestoreSpot, seconds: number): BlockDevice {
  if (!hasModules()) throw impossible(spot, 'this Livecard was built without the tools for ext volumes')
  const device = extentsDevice(draft.view, spot.extents)
  const { value: facts, problem } = readExtFacts(device)
  if (!facts) throw impossible(spot, problem.detail)
  draft.witnesses.push(superblockOf(spot))
  if (facts.clean && !facts.needsRecovery && facts.errorCount === 0) return device
  performSync(checkVolume({ mode: 'repair', seconds }), device)
  if (performSync(checkVolume({ mode: 'look', seconds }), device).state !== 'clean')
    throw impossible(spot, 'it is damaged beyond repair')
  draft.endGroup()
  draft.steps.push('First carry out what waits in its journal and mend it, as e2fsck does: it was not taken out properly.')
  return device
}

/** What changes in a volume with every use of it: the superblock, and the descriptors with the sums of the maps. On the card as it is. */
export function stateOf(draft: ChangeDraft, spot: RestoreSpot): string {
  const device = extentsDevice(draft.card, spot.extents)
  const hash = createHash('sha256').update(JSON.stringify(spot.extents))
  const superblock = pieceAt(device, extSuperblockOffset, extSuperblockBytes)
  hash.update(superblock)
  const { value: sb } = parseExtSuperblock(superblock)
  for (let index = 0; sb && index < descriptorBlocks(sb); index += 1) {
    const offset = descriptorBlock(sb, index) * sb.blockBytes
    if (offset + sb.blockBytes <= device.size) hash.update(pieceAt(device, offset, sb.blockBytes))
  }
  return hash.digest('hex')
}

/** Before anything is written to it: it says that it was not left cleanly until all is there. */
export function beginIn(draft: ChangeDraft, spot: RestoreSpot, device: BlockDevice, seconds: number): void {
  draft.forgetFreeIn(spot.extents)
  markUnclean(draft, device, superblockOf(spot).offset - extSuperblockOffset, seconds)
}

/** When all is written: it must be without any fault, by a check that others have written. */
export function endIn(draft: ChangeDraft, spot: RestoreSpot, device: BlockDevice, seconds: number): void {
  const { state, text } = performSync(checkVolume({ mode: 'look', seconds }), device)
  if (state !== 'clean') throw impossible(spot, `it would be damaged afterwards (${text.split('\n').at(-2) ?? ''})`)
  draft.endGroup([superblockOf(spot)])
}

function superblockOf({ extents }: RestoreSpot): { offset: number; lengthBytes: number } {
  let before = 0
  for (const { start, lengthBytes } of extents) {
    const within = extSuperblockOffset - before
    if (start !== null && within >= 0 && within + extSuperblockBytes <= lengthBytes)
      return { offset: start + within, lengthBytes: extSuperblockBytes }
    before += lengthBytes
  }
  throw new RangeError('the superblock lies in no piece')
}

function pieceAt(device: BlockDevice, offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  device.readSync(bytes, offset)
  return bytes
}

function impossible({ title }: RestoreSpot, why: string): LivecardError {
  return new LivecardError('failed', 'restore-impossible', {
    message: `Nothing can be put back into ${title}: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Repair the card first with "livecard repair"; "livecard inspect" shows what is wrong with it.',
  })
}
