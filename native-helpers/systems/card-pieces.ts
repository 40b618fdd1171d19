import type { BlockDevice } from '../block/device.ts'
import type { OpenedCard } from './card.ts'
import { problemOf } from './card.ts'
import type { CardVolume } from './system.ts'

/** Raw bytes of a card by which somebody who helps can see how it is laid out. */
export interface CardPiece {
  /** "tables/first-sectors.bin", "volumes/2-ext4-superblock.bin" */
  name: string
  offset: number
  bytes: Uint8Array
}

/** A GPT is LBA 0 to 33 and the last 33 sectors, with the usual number of entries. */
const headSectors = 34
const tailSectors = 33

interface Place {
  name: string
  offset: number
  length: number
}

/**
 * Where each filesystem describes itself, and nothing of what is in it: no names of files, no contents, and of an encrypted volume no key slots. Offsets are
 * those of the readers in volumes/.
 */
const describedAt: Record<string, Place[]> = {
  vfat: [{ name: 'boot-sector', offset: 0, length: 512 }],
  exfat: [{ name: 'boot-sector', offset: 0, length: 512 }],
  ntfs: [{ name: 'boot-sector', offset: 0, length: 512 }],
  ext2: [{ name: 'superblock', offset: 1024, length: 1024 }],
  ext3: [{ name: 'superblock', offset: 1024, length: 1024 }],
  ext4: [{ name: 'superblock', offset: 1024, length: 1024 }],
  iso9660: [
    { name: 'descriptor', offset: 16 * 2048, length: 2048 },
    { name: 'descriptor-of-session-32', offset: 48 * 2048, length: 2048 },
  ],
  squashfs: [{ name: 'superblock', offset: 0, length: 96 }],
  erofs: [{ name: 'superblock', offset: 1024, length: 128 }],
  btrfs: [{ name: 'superblock', offset: 65536, length: 4096 }],
  xfs: [{ name: 'superblock', offset: 0, length: 512 }],
  f2fs: [{ name: 'superblock', offset: 1024, length: 1024 }],
  crypto_LUKS: [{ name: 'header-start', offset: 0, length: 112 }],
  DM_snapshot_cow: [{ name: 'store-header', offset: 0, length: 16 }],
}

/** What cannot be read is left out. */
export function cardPieces(card: OpenedCard): CardPiece[] {
  const { device, table, sectorSize, volumes } = card
  if (!device) return []
  const pieces: CardPiece[] = []
  const take = (from: BlockDevice, name: string, offset: number, length: number) => {
    const bytes = read(from, offset, length)
    if (bytes) pieces.push({ name, offset, bytes })
  }
  if (table.type !== 'none') {
    const { start, end } = outsideOfVolumes(card.volumes, device.size)
    take(device, 'tables/first-sectors.bin', 0, Math.min(headSectors * sectorSize, start))
    const tail = Math.max(end, device.size - tailSectors * sectorSize)
    if (tail < device.size) take(device, 'tables/last-sectors.bin', tail, device.size - tail)
  }
  for (const { number, device: volume, identity } of volumes) {
    for (const { name, offset, length } of (identity && describedAt[identity.type]) ?? []) {
      take(volume, `volumes/${number}-${identity?.type}-${name}.bin`, offset, length)
    }
  }
  return pieces
}

/** In a partition that begins or ends where tables lie there may be anything. */
function outsideOfVolumes(volumes: readonly CardVolume[], size: number): { start: number; end: number } {
  const used = volumes.filter(({ sizeBytes, startBytes }) => sizeBytes > 0 && startBytes > 0)
  return {
    start: Math.min(size, ...used.map(({ startBytes }) => startBytes)),
    end: Math.max(0, ...used.map(({ startBytes, sizeBytes }) => startBytes + sizeBytes)),
  }
}

function read(device: BlockDevice, offset: number, length: number): Uint8Array | null {
  if (length <= 0 || offset + length > device.size) return null
  const bytes = new Uint8Array(length)
  try {
    device.readSync(bytes, offset)
    return bytes
  } catch (thrown) {
    problemOf(thrown)
    return null
  }
}
