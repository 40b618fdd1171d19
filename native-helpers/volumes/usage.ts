import type { BlockDevice } from '../block/device.ts'
import { readBtrfsFacts } from './btrfs.ts'
import { readErofsFacts } from './erofs-superblock.ts'
import { readExtFacts } from './ext-facts.ts'
import { openFat } from './fat-tree.ts'
import { readFields, u64 } from './fields.ts'
import { openIso9660 } from './iso9660.ts'
import { pieceOf } from './piece.ts'
import { readSnapshotStore, storeSectorBytes } from './snapshot-store.ts'

export interface Usage {
  usedBytes: number
  totalBytes: number
}

/** struct squashfs_super_block, fs/squashfs/squashfs_fs.h */
const squashfsFields = { usedBytes: u64(40) }
const squashfsSuperBytes = 96

/**
 * How much of a volume is taken, by what its own counters say; null where it does not tell or they cannot be right. `type` is what
 * `identify` calls it. An image that is made once is as large as it is used; of a snapshot store it is what never comes back.
 */
export function volumeUsage(device: BlockDevice, type: string): Usage | null {
  const usage = usageOf(device, type)
  return usage && usage.usedBytes >= 0 && usage.usedBytes <= usage.totalBytes ? usage : null
}

function usageOf(device: BlockDevice, type: string): Usage | null {
  switch (type) {
    case 'ext2':
    case 'ext3':
    case 'ext4': {
      const facts = readExtFacts(device).value
      return facts && facts.freeBytes !== null
        ? { usedBytes: facts.totalBytes - facts.freeBytes, totalBytes: facts.totalBytes }
        : null
    }
    case 'vfat': {
      const fat = openFat(device).value
      const free = fat?.table.countFree() ?? null
      if (!fat || free === null) return null
      const { clusterCount, clusterBytes } = fat.volume
      return { usedBytes: (clusterCount - free) * clusterBytes, totalBytes: clusterCount * clusterBytes }
    }
    case 'btrfs': {
      const facts = readBtrfsFacts(device).value
      return facts && { usedBytes: facts.usedBytes, totalBytes: facts.totalBytes }
    }
    case 'iso9660':
      return whole(openIso9660(device).value?.sizeBytes)
    case 'erofs':
      return whole(readErofsFacts(device).value?.totalBytes)
    case 'squashfs': {
      const head = pieceOf(device, 0, squashfsSuperBytes)
      const usedBytes = head ? readFields(squashfsFields, head).usedBytes : Number.POSITIVE_INFINITY
      return usedBytes <= device.size ? whole(usedBytes) : null
    }
    case 'DM_snapshot_cow': {
      const store = readSnapshotStore(device).value
      return (
        store && {
          usedBytes: Number(store.allocatedSectors) * storeSectorBytes,
          totalBytes: store.totalSectors * storeSectorBytes,
        }
      )
    }
    default:
      return null
  }
}

function whole(sizeBytes: number | undefined): Usage | null {
  return sizeBytes === undefined ? null : { usedBytes: sizeBytes, totalBytes: sizeBytes }
}
