/** A drive's partitions drawn to scale; what would be too small to see gets a least width, and the picture says so. The table below says the same. */
import type { Drive } from '../../native-helpers/contract.ts'
import { format, t } from '../i18n/index.ts'
import { isOneVolume } from '../state/drives.ts'

interface Piece {
  key: string
  name: string
  detail: string
  sizeBytes: number
  free: boolean
}

/** Below this share of the drive a piece could not carry its name. */
const leastShare = 0.09

export function PartitionMap({ drive }: { drive: Drive }) {
  const pieces = piecesOf(drive)
  const whole = drive.identity.sizeBytes
  const stretched = pieces.some((piece) => piece.sizeBytes / whole < leastShare)
  return (
    <section className="sheet">
      <h2>
        {t.drives.onIt} <span title={format.exact(whole)}>{format.size(whole)}</span>
      </h2>
      {pieces.length === 0 ? (
        <p className="soft">{t.drives.noVolumes}</p>
      ) : (
        <>
          <div className="map" role="img" aria-label={pieces.map((piece) => `${piece.name}: ${piece.detail}`).join('; ')}>
            {pieces.map((piece, index) => (
              <div
                key={piece.key}
                className={`map-piece ${piece.free ? 'map-free' : `map-${index % 4}`}`}
                style={{ flexGrow: Math.max(piece.sizeBytes / whole, leastShare) }}
                title={`${piece.name} · ${format.exact(piece.sizeBytes)}`}
              >
                <span>{piece.name}</span>
                <small>{piece.detail}</small>
              </div>
            ))}
          </div>
          <p className="map-note">{stretched ? t.drives.smallest : t.drives.toScale}</p>
        </>
      )}
    </section>
  )
}

function piecesOf(drive: Drive): Piece[] {
  if (drive.partitions.length === 0) {
    if (!isOneVolume(drive)) return []
    return [piece(drive.identity.path, drive.whole.label, drive.whole.fs, drive.identity.sizeBytes)]
  }
  const pieces = drive.partitions.map((part) => piece(part.path, part.label, part.fs, part.sizeBytes))
  const free = drive.identity.sizeBytes - drive.partitions.reduce((sum, part) => sum + part.sizeBytes, 0)
  // Alignment and the tables themselves take a few megabytes on every drive.
  if (free > 16e6) pieces.push({ key: 'free', name: t.drives.free, detail: format.size(free), sizeBytes: free, free: true })
  return pieces
}

function piece(key: string, label: string | null, fs: string | null, sizeBytes: number): Piece {
  return {
    key,
    name: label || t.drives.unnamed,
    detail: [format.size(sizeBytes), fs].filter(Boolean).join(' · '),
    sizeBytes,
    free: false,
  }
}
