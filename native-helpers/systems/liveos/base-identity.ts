import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import type { ArchiveBase } from '../archive/manifest.ts'
import type { LiveImage } from './live-image.ts'

const pieceBytes = 1024 * 1024

/**
 * By what an image is told from any other. Whole, or by its length and both of its ends, which is enough to refuse another one: a squashfs or EROFS begins with
 * the time at which it was made and its length, and ends with the places of all its files. `progress` hears of the bytes as they are read.
 */
export function identityOfBase(
  image: BlockDevice,
  path: string | null,
  { origin }: Pick<LiveImage, 'origin'>,
  { sampled, progress }: { sampled: boolean; progress?: (bytes: number) => void },
): ArchiveBase {
  const hash = createHash('sha256')
  if (sampled) hash.update(String(image.size))
  const ends = [0, Math.max(0, image.size - pieceBytes)]
  const starts = sampled ? ends : Array.from({ length: Math.ceil(image.size / pieceBytes) }, (_, index) => index * pieceBytes)
  const piece = new Uint8Array(pieceBytes)
  for (const start of starts) {
    const part = piece.subarray(0, Math.min(pieceBytes, image.size - start))
    image.readSync(part, start)
    hash.update(part)
    progress?.(part.length)
  }
  return {
    path,
    imageBytes: image.size,
    sha256: hash.digest('hex'),
    isSampled: sampled,
    originBytes: origin?.device.size ?? 0,
    originUuid: origin?.identity.uuid ?? null,
  }
}
