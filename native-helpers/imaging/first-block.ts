import { alignedBuffer } from '../block/aligned.ts'
import type { StreamDevice } from '../block/device.ts'
import { isUnfinished, unfinishedLine } from '../volumes/unfinished-mark.ts'

export { isUnfinished as isMarkerBlock }

/**
 * How much of the image is withheld until everything else is on the card and compared. One MiB holds everything by which a system
 * recognises a disk: MBR, GPT and its table, the ISO 9660 volume descriptors (32 KiB), and the superblocks of ext (1 KiB),
 * btrfs and reiserfs (64 KiB), and the first ZFS labels (0 and 256 KiB).
 */
export const firstBlockBytes = 1024 * 1024

/** At the end of a disk lie the backup GPT (33 sectors), md superblocks 0.90 and 1.0 (64 KiB) and two ZFS labels (512 KiB). */
export const tailBytes = 1024 * 1024

const markerText = `${unfinishedLine}
It holds no usable system: the writing was stopped, failed, or is still going on.
Write the image again to make the card usable, or format the card to use it for something else.
`

/** What stands at the start of a card while it is being written: words, no boot signature, no filesystem's magic number. */
export function markerBlock(lengthBytes: number): Uint8Array {
  const block = alignedBuffer(lengthBytes)
  block.set(Buffer.from(markerText, 'ascii').subarray(0, lengthBytes))
  return block
}

/**
 * Takes away what was on the card before: the start becomes the marker, the tail zeros, and both are flushed before the first byte of
 * the image is written. From here to the very end a card that is pulled, or loses power, says by itself that it is not finished.
 */
export async function writeMarker(device: StreamDevice): Promise<void> {
  const startBytes = Math.min(firstBlockBytes, device.sizeBytes)
  await device.write(markerBlock(startBytes), 0)
  const tailStart = Math.max(startBytes, device.sizeBytes - tailBytes)
  if (tailStart < device.sizeBytes) await device.write(alignedBuffer(device.sizeBytes - tailStart), tailStart)
  await device.flush()
}
