import type { BlockDevice } from '../block/device.ts'
import { checkVolume, performSync } from '../wasm/ext-programs.ts'

/** Whether e2fsck finds nothing wrong in an ext volume. Nothing is written, also where that would be possible. */
export function isSound(device: BlockDevice, seconds: number): boolean {
  const { size, sectorSize } = device
  const readable = { size, sectorSize, readSync: (into: Uint8Array, offset: number) => device.readSync(into, offset) }
  return performSync(checkVolume({ mode: 'look', seconds }), readable).state === 'clean'
}
