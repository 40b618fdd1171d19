import type { BlockDevice } from '../block/device.ts'

/** No structure of any format here is larger; whoever wants more reads it in pieces. */
const maxPieceBytes = 16 * 1024 * 1024

/** Bytes of a device, or null where they leave it or are more than any structure is. An error of the device is thrown. */
export function pieceOf(device: BlockDevice, start: number, length: number): Uint8Array | null {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(length) || start < 0 || length < 0) return null
  if (length > maxPieceBytes || start + length > device.size) return null
  const bytes = new Uint8Array(length)
  device.readSync(bytes, start)
  return bytes
}

/** The same, shortened where the device ends. */
export function pieceUpTo(device: BlockDevice, start: number, length: number): Uint8Array | null {
  return pieceOf(device, start, Math.min(length, device.size - start))
}
