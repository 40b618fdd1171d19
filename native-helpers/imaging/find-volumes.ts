import { extSuperblockBytes, extSuperblockOffset, parseExtSuperblock } from '../volumes/ext-superblock.ts'
import { fatBootBytes, parseFatBoot } from '../volumes/fat-boot.ts'
import { gptPlacementProblems, gptSectorSizes, parseGptHeader, readGptCopy } from '../volumes/gpt.ts'
import {
  isExtended,
  type Mbr,
  type MbrPartition,
  mbrBytes,
  parseMbr,
  placementProblems,
  protectiveType,
  walkLogicalPartitions,
} from '../volumes/mbr.ts'
import type { Problem } from '../volumes/problem.ts'
import type { Reading } from '../volumes/reading.ts'

/** Whole bytes of the image; `lengthBytes` of a filesystem without a partition table is not known. */
export interface FoundVolume {
  startBytes: number
  lengthBytes: number
}

/** MBR, both places of a GPT header, and the descriptor of an ISO 9660 filesystem, which is what hybrid images are as a whole. */
const headBytes = 36864
const isoDescriptorOffset = 32769
const isoMagic = Buffer.from('CD001', 'latin1')
/** In images MBRs count in 512-byte sectors. Where one does not, no volume will be found where it points to. */
const mbrSectorBytes = 512

/**
 * Finds the volumes of an image whose partitions lie side by side, and tells them while it goes on reading. Returns why there are none, or
 * no more. A table that is damaged or ambiguous, partitions that overlap, and ISO images, whose checksums cover the free parts of what lies
 * in them too, have none.
 */
export function* findVolumes(found: (volume: FoundVolume) => void): Reading<Problem | null> {
  const head = yield { start: 0, length: headBytes }
  if (!head) return { code: 'image-unread', detail: 'the start of the image cannot be read' }
  if (isoMagic.equals(head.subarray(isoDescriptorOffset, isoDescriptorOffset + isoMagic.length))) {
    return { code: 'image-iso', detail: 'it is an ISO image, whose checksum covers all of it' }
  }
  const mbr = parseMbr(head.subarray(0, mbrBytes)).value
  const entries = mbr?.entries.filter((entry) => entry.sectors > 0) ?? []
  const gptSectorSize = gptSectorSizes.find((size) => parseGptHeader(head.subarray(size, 2 * size), 1).value !== null)
  const isFilesystem =
    parseFatBoot(head.subarray(0, fatBootBytes)).value !== null ||
    parseExtSuperblock(head.subarray(extSuperblockOffset, extSuperblockOffset + extSuperblockBytes)).value !== null
  const isProtective = entries.some((entry) => entry.type === protectiveType)

  if (isFilesystem && entries.length === 0 && gptSectorSize === undefined) {
    found({ startBytes: 0, lengthBytes: Number.MAX_SAFE_INTEGER })
    return null
  }
  if (isFilesystem || isProtective !== (gptSectorSize !== undefined)) {
    return { code: 'table-ambiguous', detail: 'the start of the image can be read in two ways' }
  }
  if (gptSectorSize !== undefined) return yield* gptVolumes(gptSectorSize, mbr, found)
  if (mbr) return yield* mbrVolumes(mbr, found)
  return { code: 'table-none', detail: 'there is neither a partition table nor a known filesystem' }
}

function* gptVolumes(sectorSize: number, mbr: Mbr | null, found: (volume: FoundVolume) => void): Reading<Problem | null> {
  const table = yield* readGptCopy(sectorSize, 1)
  if (table.problem) return table.problem
  const { header, partitions } = table.value
  const wrong = gptPlacementProblems(header, partitions)[0]
  if (wrong) return wrong
  const hybrid = mbr?.entries.filter((entry) => entry.sectors > 0 && entry.type !== protectiveType) ?? []
  const same = hybrid.every((entry) =>
    partitions.some(({ firstLba, lastLba }) => firstLba === entry.startSector && lastLba - firstLba + 1 === entry.sectors),
  )
  if (!same) return { code: 'table-ambiguous', detail: 'the two partition tables differ' }
  for (const { firstLba, lastLba } of partitions) {
    found({ startBytes: firstLba * sectorSize, lengthBytes: (lastLba - firstLba + 1) * sectorSize })
  }
  return null
}

function* mbrVolumes(mbr: Mbr, found: (volume: FoundVolume) => void): Reading<Problem | null> {
  const partitions: MbrPartition[] = mbr.entries
    .map((entry, index) => ({ ...entry, number: index + 1 }))
    .filter((entry) => entry.sectors > 0)
  const wrong = placementProblems(partitions, Number.MAX_SAFE_INTEGER)[0]
  if (wrong) return wrong
  const [extended, ...more] = partitions.filter(isExtended)
  if (more.length > 0) return { code: 'mbr-two-extended', detail: 'there is more than one extended partition' }
  const tell = ({ startSector, sectors }: MbrPartition) => {
    found({ startBytes: startSector * mbrSectorBytes, lengthBytes: sectors * mbrSectorBytes })
  }
  for (const partition of partitions) {
    if (partition.type !== 0 && !isExtended(partition)) tell(partition)
  }
  if (!extended) return null
  return (yield* walkLogicalPartitions(extended, mbrSectorBytes, tell))[0] ?? null
}
