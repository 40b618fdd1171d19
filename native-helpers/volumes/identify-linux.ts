import type { BlockDevice } from '../block/device.ts'
import { extCompat, extIncompat, extRoCompat, extSuperblockBytes, extSuperblockOffset } from './ext-superblock.ts'
import { readFields, u8, u16, u32 } from './fields.ts'
import { type Identity, labelText, labelUtf16, startsWith, uuidText } from './identity.ts'
import { pieceOf } from './piece.ts'

const extFields = { magic: u16(0x38), compat: u32(0x5c), incompat: u32(0x60), roCompat: u32(0x64) }
const extMagic = 0xef53
const ext3Incompat = extIncompat.filetype | extIncompat.recover | extIncompat.metaBg
const ext3RoCompat = extRoCompat.sparseSuper | extRoCompat.largeFile | extRoCompat.btreeDir

/**
 * Only what names it (libblkid/src/superblocks/ext.c): one whose numbers or checksum are wrong is still an ext's, and to be reported as a
 * damaged one. So it is with the others here.
 */
export function identifyExt(device: BlockDevice): Identity | null {
  const sb = pieceOf(device, extSuperblockOffset, extSuperblockBytes)
  const raw = sb && readFields(extFields, sb)
  if (!sb || !raw || raw.magic !== extMagic) return null
  return { type: extType(raw), label: labelText(sb.subarray(0x78, 0x88)), uuid: uuidText(sb.subarray(0x68, 0x78)) }
}

/** A journal makes ext3, what ext3 does not know makes ext4. */
export function extType({ compat, incompat, roCompat }: { compat: number; incompat: number; roCompat: number }): string {
  if (incompat & extIncompat.journalDevice) return 'jbd'
  if (incompat & ~ext3Incompat || roCompat & ~ext3RoCompat) return 'ext4'
  return compat & extCompat.hasJournal || incompat & extIncompat.recover ? 'ext3' : 'ext2'
}

/** struct btrfs_super_block, fs/btrfs/ctree.h: 64 KiB into the volume. */
export const btrfsSuperOffset = 65536
const btrfsMinBytes = 1024 * 1024

export function identifyBtrfs(device: BlockDevice): Identity | null {
  if (device.size < btrfsMinBytes) return null
  const sb = pieceOf(device, btrfsSuperOffset, 4096)
  if (!sb || !startsWith(sb, '_BHRfS_M', 64)) return null
  return { type: 'btrfs', label: labelText(sb.subarray(299, 299 + 256)), uuid: uuidText(sb.subarray(32, 48)) }
}

/** The end of the first page, whatever the page size of the machine (union swap_header, include/linux/swap.h). */
const swapPageBytes = [4096, 8192, 16384, 32768, 65536]
const swapMinBytes = 10 * 4096
const swapMagics: { text: string; type: string }[] = [
  { text: 'S1SUSPEND', type: 'swsuspend' },
  { text: 'S2SUSPEND', type: 'swsuspend' },
  { text: 'ULSUSPEND', type: 'swsuspend' },
  { text: 'LINHIB0001', type: 'swsuspend' },
  { text: 'SWAPSPACE2', type: 'swap' },
  { text: 'SWAP-SPACE', type: 'swap' },
]

export function identifySwap(device: BlockDevice): Identity | null {
  if (device.size < swapMinBytes) return null
  for (const pageBytes of swapPageBytes) {
    const end = pieceOf(device, pageBytes - 10, 10)
    const found = end && swapMagics.find(({ text }) => startsWith(end, text))
    const header = pieceOf(device, 1024, 512)
    if (!found || !header) continue
    if (found.text === 'SWAP-SPACE') return { type: 'swap', label: null, uuid: null }
    const { version, lastPage, garbage0, garbage1 } = readFields(
      { version: u32(0), lastPage: u32(4), garbage0: u32(172), garbage1: u32(176) },
      header,
    )
    if (found.type === 'swap' && ((version !== 1 && version !== 0x01000000) || lastPage === 0)) continue
    const named = garbage0 === 0 && garbage1 === 0
    return {
      type: found.type,
      label: named ? labelText(header.subarray(28, 44)) : null,
      uuid: named ? uuidText(header.subarray(12, 28)) : null,
    }
  }
  return null
}

/** struct luks_phdr (LUKS1) and struct luks2_hdr_disk, lib/luks1/luks.h and lib/luks2/luks2.h of cryptsetup; numbers are big-endian. */
export const luksSecondOffsets = [0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000]

export function identifyLuks(device: BlockDevice): Identity | null {
  for (const offset of [0, ...luksSecondOffsets]) {
    const header = pieceOf(device, offset, 512)
    if (!header || !startsWith(header, offset === 0 ? 'LUKS\xba\xbe' : 'SKUL\xba\xbe')) continue
    const view = new DataView(header.buffer)
    const version = view.getUint16(6)
    if (version === 2 && view.getBigUint64(256) !== BigInt(offset)) continue
    if (offset !== 0 && version !== 2) continue
    const uuid = labelText(header.subarray(168, 208))
    return { type: 'crypto_LUKS', label: version === 2 ? labelText(header.subarray(24, 72)) : null, uuid }
  }
  return null
}

export function identifySnapshotStore(device: BlockDevice): Identity | null {
  const head = pieceOf(device, 0, 4)
  return head && startsWith(head, 'SnAp') ? { type: 'DM_snapshot_cow', label: null, uuid: null } : null
}

/** Before version 4 it is another format (libblkid calls it squashfs3). */
export function identifySquashfs(device: BlockDevice): Identity | null {
  const head = pieceOf(device, 0, 96)
  if (!head || !startsWith(head, 'hsqs')) return null
  const { major } = readFields({ major: u16(28) }, head)
  return { type: major < 4 ? 'squashfs3' : 'squashfs', label: null, uuid: null }
}

/** struct erofs_super_block, fs/erofs/erofs_fs.h. Blocks larger than 4 KiB are named too, which older versions of blkid do not. */
export const erofsSuperOffset = 1024
const erofsFields = { magic: u32(0), blockShift: u8(12) }
const erofsMagic = 0xe0f5e1e2
const erofsMaxBlockShift = 16

export function identifyErofs(device: BlockDevice): Identity | null {
  const head = pieceOf(device, erofsSuperOffset, 128)
  const raw = head && readFields(erofsFields, head)
  if (!head || !raw || raw.magic !== erofsMagic || raw.blockShift < 9 || raw.blockShift > erofsMaxBlockShift) return null
  return { type: 'erofs', label: labelText(head.subarray(64, 80)), uuid: uuidText(head.subarray(48, 64)) }
}

/** struct xfs_dsb, fs/xfs/libxfs/xfs_format.h, big-endian. */
export function identifyXfs(device: BlockDevice): Identity | null {
  const sb = pieceOf(device, 0, 512)
  if (!sb || !startsWith(sb, 'XFSB')) return null
  return { type: 'xfs', label: labelText(sb.subarray(108, 120)), uuid: uuidText(sb.subarray(32, 48)) }
}

/** struct f2fs_super_block, include/linux/f2fs_fs.h. */
export function identifyF2fs(device: BlockDevice): Identity | null {
  const sb = pieceOf(device, 1024, 124 + 1024)
  if (!sb || readFields({ magic: u32(0) }, sb).magic !== 0xf2f52010) return null
  return { type: 'f2fs', label: labelUtf16(sb.subarray(124), 'little'), uuid: uuidText(sb.subarray(108, 124)) }
}
