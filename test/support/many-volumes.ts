import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './tools.ts'

const MiB = 1024 * 1024

/** A filesystem of each kind, as the tool of its own project makes it: how large, and how. */
export const volumeMakers: { fs: string; sizeMiB: number; make: (image: string) => void }[] = [
  { fs: 'vfat', sizeMiB: 32, make: (image) => tool('mkfs.vfat', ['-n', 'BOOT', image]) },
  { fs: 'vfat', sizeMiB: 300, make: (image) => tool('mkfs.vfat', ['-F', '32', '-n', 'Stick', image]) },
  { fs: 'ext4', sizeMiB: 64, make: (image) => tool('mke2fs', ['-q', '-t', 'ext4', '-L', 'root a', image]) },
  { fs: 'ext2', sizeMiB: 16, make: (image) => tool('mke2fs', ['-q', '-t', 'ext2', image]) },
  { fs: 'btrfs', sizeMiB: 120, make: (image) => tool('mkfs.btrfs', ['-q', '-f', '-L', 'data', image]) },
  { fs: 'exfat', sizeMiB: 16, make: (image) => tool('mkfs.exfat', ['-L', 'camera', image]) },
  { fs: 'ntfs', sizeMiB: 16, make: (image) => tool('mkfs.ntfs', ['-q', '-F', '-f', '-L', 'windows', image]) },
  { fs: 'swap', sizeMiB: 8, make: (image) => tool('mkswap', ['-q', '-L', 'swap', image]) },
]
export const volumeTools = ['mkfs.vfat', 'mke2fs', 'mkfs.btrfs', 'mkfs.exfat', 'mkfs.ntfs', 'mkswap', 'sfdisk', 'blkid']

/** Makes a filesystem and copies it to its place; `mkfs.vfat --offset` and others size by the whole file. */
export function putVolume(card: string, startBytes: number, sizeMiB: number, make: (image: string) => void): void {
  const image = `${card}.volume`
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * MiB)
  make(image)
  const from = openSync(image, 'r')
  const to = openSync(card, 'r+')
  const part = Buffer.alloc(MiB)
  const zeros = Buffer.alloc(MiB)
  for (let at = 0; at < sizeMiB * MiB; at += MiB) {
    readSync(from, part, 0, MiB, at)
    if (!part.equals(zeros)) writeSync(to, part, 0, MiB, startBytes + at)
  }
  closeSync(from)
  closeSync(to)
  truncateSync(image, 0)
}

export interface SfdiskTable {
  label: string
  id?: string
  sectorsize: number
  partitions: { node: string; start: number; size: number; type: string; uuid?: string; name?: string; bootable?: boolean }[]
}

/** Of a file, or of a device with sectors of its own size. */
export function sfdiskTable(card: string): SfdiskTable {
  return (JSON.parse(tool('sfdisk', ['--json', card])) as { partitiontable: SfdiskTable }).partitiontable
}

export interface BlkidFacts {
  fs: string | null
  label: string | null
  uuid: string | null
}

/** blkid(8) of a piece of a file. */
export function blkidAt(card: string, offset: number, size: number): BlkidFacts {
  let said = ''
  try {
    said = tool('blkid', ['-p', '-o', 'export', '-O', String(offset), '-S', String(size), card])
  } catch {
    // Nothing known there, or too much.
  }
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(said)?.[1]?.replaceAll('\\', '') ?? null
  return { fs: value('TYPE'), label: value('LABEL'), uuid: value('UUID') }
}

export function emptyCard(folder: string, sizeBytes: number, name = 'card.img'): string {
  const card = join(folder, name)
  writeFileSync(card, '')
  truncateSync(card, sizeBytes)
  return card
}
