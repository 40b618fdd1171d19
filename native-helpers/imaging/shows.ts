import { extSuperblockOffset, parseExtSuperblock } from '../volumes/ext-superblock.ts'
import { parseFatBoot } from '../volumes/fat-boot.ts'
import { gptSectorSizes, parseGptEntries, parseGptHeader } from '../volumes/gpt.ts'
import { isExtended, mbrBytes, parseMbr, protectiveType } from '../volumes/mbr.ts'

/** ECMA-119, 8.1: the descriptors begin at sector 16. */
const isoDescriptor = 16 * 2048
const isoVolumeName = { offset: 40, bytes: 32 }

/** Up to the superblock of btrfs, which lies furthest inside. */
export const shownBytes = 128 * 1024

/** What the first sectors (`shownBytes`) show, in a few words; null when nothing is known. */
export function whatShows(head: Uint8Array): string | null {
  const iso = isoName(head)
  const table = gpt(head) ?? mbr(head)
  if (iso !== null) return table === null ? iso : `${iso}, also with ${table}`
  if (table !== null) return table
  return filesystem(head) ?? archive(head)
}

function gpt(head: Uint8Array): string | null {
  for (const sectorSize of gptSectorSizes) {
    const header = parseGptHeader(head.subarray(sectorSize, 2 * sectorSize), 1).value
    if (header === null) continue
    const partitions = parseGptEntries(head.subarray(header.entriesLba * sectorSize), header).value
    return partitions === null ? 'GPT' : `GPT, ${counted(partitions.length)}`
  }
  return null
}

function mbr(head: Uint8Array): string | null {
  if (head.length < mbrBytes) return null
  const table = parseMbr(head.subarray(0, mbrBytes)).value
  const used = table?.entries.filter((entry) => entry.type !== 0 && entry.sectors > 0) ?? []
  if (used.length === 0) return null
  if (used.some((entry) => entry.type === protectiveType)) return 'GPT, damaged'
  // What lies in an extended partition is not within the first sectors.
  return `MBR, ${counted(used.length)}${used.some(isExtended) ? ' and more inside' : ''}`
}

function counted(partitions: number): string {
  return partitions === 1 ? '1 partition' : `${partitions} partitions`
}

function isoName(head: Uint8Array): string | null {
  if (text(head, isoDescriptor + 1, 5) !== 'CD001') return null
  const name = text(head, isoDescriptor + isoVolumeName.offset, isoVolumeName.bytes).trim()
  return name === '' ? 'ISO 9660' : `ISO 9660 “${name}”`
}

function filesystem(head: Uint8Array): string | null {
  if (text(head, 0, 4) === 'hsqs') return 'squashfs'
  if (text(head, 0x10040, 8) === '_BHRfS_M') return 'btrfs'
  if (text(head, 0, 4) === 'XFSB') return 'XFS'
  if (text(head, 3, 8) === 'EXFAT   ') return 'exFAT'
  if (text(head, 3, 8) === 'NTFS    ') return 'NTFS'
  if (parseExtSuperblock(head.subarray(extSuperblockOffset, extSuperblockOffset + 1024)).value !== null) return 'ext2, ext3 or ext4'
  if (head.length >= 512 && parseFatBoot(head.subarray(0, 512)).value !== null) return 'FAT'
  return null
}

/** Often met where somebody took the wrong download. */
function archive(head: Uint8Array): string | null {
  if (text(head, 257, 5) === 'ustar') return 'a tar archive, not the image of a card'
  if (/^\s*<(!doctype html|html)/i.test(text(head, 0, 64))) return 'a web page, not the image of a card'
  return null
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1')
}
