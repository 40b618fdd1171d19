import type { CardVolume } from '../system.ts'
import type { RestoreSpot } from './spot.ts'

/** A folder of a partition, or all of it, as a place that files are put back into. */
export function volumeSpot(
  volume: CardVolume,
  spot: Pick<RestoreSpot, 'what' | 'title' | 'forms'> & Partial<Pick<RestoreSpot, 'folder' | 'cleared' | 'kept'>>,
): RestoreSpot {
  return {
    folder: '',
    cleared: [],
    kept: [],
    ...spot,
    extents: [{ start: volume.startBytes, lengthBytes: volume.device.size }],
    problem: problemOf(volume),
  }
}

function problemOf({ identity, problem }: CardVolume): string | null {
  const type = identity?.type ?? null
  if (type === 'crypto_LUKS') return 'it is encrypted, so that only the system itself can put files there'
  if (type === null) return problem?.detail ?? 'there is no filesystem that is known'
  return type.startsWith('ext') ? null : `files in a volume of the kind ${type} are not written here`
}
