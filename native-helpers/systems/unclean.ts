import type { BlockDevice } from '../block/device.ts'
import { stagedDevice } from '../block/staged.ts'
import { LivecardError } from '../errors.ts'
import { extSuperblockBytes, extSuperblockOffset } from '../volumes/ext-superblock.ts'
import { ExtWriter } from '../wasm/ext-writer.ts'
import type { ChangeDraft } from './change.ts'

/**
 * Lets an ext volume say that it was not left cleanly until the last of the groups that follow is on the card, as a kernel does while it is mounted: who finds it
 * before that, checks it. `startBytes` is where it begins on the card. Left as it is: a volume that says so already, and one whose superblock lies in pieces.
 */
export function markUnclean(draft: ChangeDraft, device: BlockDevice, startBytes: number, seconds: number): void {
  const place = startBytes + extSuperblockOffset
  if (Buffer.compare(superblockAt(draft.view, place), superblockAt(device, extSuperblockOffset)) !== 0) return
  const stage = stagedDevice(device)
  try {
    // The library's own writing, so that the superblock has its sum.
    const writer = new ExtWriter(stage, { seconds })
    writer.flush()
    draft.meanwhile(place, superblockAt(stage, extSuperblockOffset))
    writer.close()
  } catch (thrown) {
    if (!(thrown instanceof LivecardError && (thrown.code === 'ext-needs-recovery' || thrown.code === 'ext-unclean'))) throw thrown
  } finally {
    stage.close()
  }
}

function superblockAt(device: BlockDevice, offset: number): Uint8Array {
  const bytes = new Uint8Array(extSuperblockBytes)
  device.readSync(bytes, offset)
  return bytes
}
