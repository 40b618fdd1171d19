/** A card as a row of pieces in the order of its bytes: partitions, what stands in them as a file of its own, and what no partition takes. */
import type { Report, ReportOverlay, ReportPartition } from '../../native-helpers/contract.ts'

export interface MapPiece {
  key: string
  kind: 'partition' | 'files' | 'overlay' | 'rest' | 'gap'
  /** Null for a gap. */
  partition: ReportPartition | null
  /** Of pieces that are an overlay, and of partitions that hold nothing else. */
  overlay: ReportOverlay | null
  /** Null where the place within the partition is not known: a file's blocks may lie anywhere. */
  startBytes: number | null
  sizeBytes: number
  /** 0 … 1; null where it cannot be told. */
  usedFraction: number | null
  /** Of which partition in the row, for its colour; null for a gap. */
  row: number | null
}

/** Alignment and the tables themselves take a few megabytes on every drive, and are no room that one misses. */
const leastGapBytes = 16e6
const leastGapShare = 0.05
/** Containers of logical partitions (MBR): what is in them is drawn, they are not. */
const extendedTypes = new Set(['05', '0f', '85'])

export function mapPieces({ target, partitions, overlays }: Pick<Report, 'target' | 'partitions' | 'overlays'>): MapPiece[] {
  const whole = target.size
  if (whole === null || whole === 0) return []
  const drawn = partitions.filter((one) => one.size > 0 && !extendedTypes.has(one.type?.toLowerCase() ?? ''))
  if (drawn.length === 0) return []
  const rows = new Map(drawn.map((one, index) => [one, index]))
  return stretches(drawn, whole).flatMap(({ partition, start, end }) => {
    const sizeBytes = end - start
    if (partition === null) {
      const isRoom = sizeBytes >= Math.min(leastGapBytes, whole * leastGapShare)
      const gap: MapPiece = {
        key: `gap-${start}`,
        kind: 'gap',
        partition,
        overlay: null,
        startBytes: start,
        sizeBytes,
        usedFraction: null,
        row: null,
      }
      return isRoom ? [gap] : []
    }
    const row = rows.get(partition) ?? 0
    const isWhole = sizeBytes === partition.size
    const inIt = overlays.filter((overlay) => overlay.partition === partition.number)
    return isWhole ? partitionPieces(partition, inIt, row) : [wholePiece(partition, null, row, start, sizeBytes, null)]
  })
}

interface Stretch {
  partition: ReportPartition | null
  start: number
  end: number
}

/** Every byte belongs to the smallest partition that covers it: hybrid images have partitions inside the volume that starts at byte 0. */
function stretches(partitions: readonly ReportPartition[], whole: number): Stretch[] {
  const ends = (one: ReportPartition) => Math.min(whole, one.start + one.size)
  const borders = [...new Set([0, whole, ...partitions.flatMap((one) => [Math.min(whole, one.start), ends(one)])])].sort(
    (a, b) => a - b,
  )
  const found: Stretch[] = []
  for (let index = 1; index < borders.length; index++) {
    const [start, end] = [borders[index - 1] ?? 0, borders[index] ?? 0]
    const covering = partitions.filter((one) => one.start <= start && ends(one) >= end)
    const partition = covering.sort((a, b) => a.size - b.size || a.start - b.start)[0] ?? null
    const last = found.at(-1)
    if (last && last.partition === partition) last.end = end
    else found.push({ partition, start, end })
  }
  return found
}

function partitionPieces(partition: ReportPartition, inIt: readonly ReportOverlay[], row: number): MapPiece[] {
  const own = inIt.find((overlay) => overlay.kind === 'ext4-rw') ?? null
  const used = partition.used === null ? null : Math.min(1, partition.used / partition.size)
  const files = inIt.filter((overlay) => overlay.kind !== 'ext4-rw' && overlay.kind !== 'overlayfs-dir')
  const overlaid = files.reduce((sum, overlay) => sum + overlay.totalBytes, 0)
  // An overlay larger than its partition is one of the things that findings tell; drawn to scale it cannot be.
  if (files.length === 0 || partition.used === null || overlaid === 0 || overlaid > partition.size)
    return [wholePiece(partition, own, row, partition.start, partition.size, used)]
  const inUse = Math.min(partition.size, Math.max(partition.used, overlaid))
  const piece = (
    kind: MapPiece['kind'],
    key: string,
    sizeBytes: number,
    usedFraction: number | null,
    overlay: ReportOverlay | null,
  ) => ({
    key: `${partition.number}-${key}`,
    kind,
    partition,
    overlay,
    startBytes: null,
    sizeBytes,
    usedFraction,
    row,
  })
  return [
    piece('files', 'files', inUse - overlaid, 1, null),
    ...files.map((overlay, index) =>
      piece(
        'overlay',
        `overlay-${index}`,
        overlay.totalBytes,
        Math.min(1, overlay.usedBytes / Math.max(1, overlay.totalBytes)),
        overlay,
      ),
    ),
    piece('rest', 'rest', partition.size - inUse, 0, null),
  ].filter((one) => one.sizeBytes > 0)
}

function wholePiece(
  partition: ReportPartition,
  overlay: ReportOverlay | null,
  row: number,
  startBytes: number,
  sizeBytes: number,
  usedFraction: number | null,
): MapPiece {
  return {
    key: `${partition.number}-at-${startBytes}`,
    kind: 'partition',
    partition,
    overlay,
    startBytes,
    sizeBytes,
    usedFraction,
    row,
  }
}
