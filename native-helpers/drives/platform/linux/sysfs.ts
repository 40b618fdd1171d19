import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** A whole block device or a partition, as the kernel shows it in /sys/class/block. Documentation/ABI/stable/sysfs-block. */
export interface BlockNode {
  /** The kernel's name, such as sdb1. */
  name: string
  path: string
  /** "major:minor" */
  number: string
  /** The whole device's number, for a partition. */
  parent: string | null
  sizeBytes: number
  readOnly: boolean
  removable: boolean
  sectorSize: number
  /** Numbers of the devices that this one is made of (device mapper, RAID, bcache). */
  slaves: string[]
  /** Names of the devices that are made of this one. */
  holders: string[]
  /** The file behind a loop device. */
  backingFile: string | null
  /** Counts up with every medium that is put in or taken out, over the whole machine (since Linux 5.15). */
  sequence: string | null
  /** Its folder in /sys/devices. */
  folder: string
}

const sysBytesPerSector = 512

/** Every block device by number. Devices that vanish while they are read are left out. */
export async function blockNodes(): Promise<Map<string, BlockNode>> {
  const names = await readdir('/sys/class/block').catch(() => [])
  const nodes = await Promise.all(names.map((name) => blockNode(name).catch(() => null)))
  return new Map(nodes.filter((node) => node !== null).map((node) => [node.number, node]))
}

/** The kernel's facts of one device by its number; null when there is none. */
export async function nodeOfNumber(number: string): Promise<BlockNode | null> {
  const folder = await realpath(`/sys/dev/block/${number}`).catch(() => null)
  if (folder === null) return null
  return blockNode(folder.slice(folder.lastIndexOf('/') + 1)).catch(() => null)
}

async function blockNode(name: string): Promise<BlockNode | null> {
  const folder = await realpath(join('/sys/class/block', name))
  const number = await text(join(folder, 'dev'))
  if (number === null || (await text(join(folder, 'hidden'))) === '1') return null
  const isPartition = (await text(join(folder, 'partition'))) !== null
  const whole = isPartition ? join(folder, '..') : folder
  const sectors = Number((await text(join(folder, 'size'))) ?? '0')
  return {
    name,
    // The kernel writes the slash of a name such as cciss/c0d0 as "!".
    path: `/dev/${name.replaceAll('!', '/')}`,
    number,
    parent: isPartition ? await text(join(whole, 'dev')) : null,
    sizeBytes: sectors * sysBytesPerSector,
    readOnly: (await text(join(folder, 'ro'))) === '1' || (await text(join(whole, 'ro'))) === '1',
    removable: (await text(join(whole, 'removable'))) === '1',
    sectorSize: Number((await text(join(whole, 'queue/logical_block_size'))) ?? '512') || 512,
    slaves: await numbersIn(join(folder, 'slaves')),
    holders: await readdir(join(folder, 'holders')).catch(() => []),
    backingFile: await text(join(folder, 'loop/backing_file')),
    sequence: await text(join(whole, 'diskseq')),
    folder,
  }
}

async function numbersIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const numbers = await Promise.all(names.map((name) => text(join(folder, name, 'dev'))))
  return numbers.filter((number) => number !== null)
}

/** The members of every mounted btrfs, which may span several devices (fs/btrfs/sysfs.c). */
export async function btrfsMembers(): Promise<string[][]> {
  const ids = await readdir('/sys/fs/btrfs').catch(() => [])
  const sets = await Promise.all(ids.map((id) => numbersIn(join('/sys/fs/btrfs', id, 'devices'))))
  return sets.filter((set) => set.length > 0)
}

/** The trimmed text of a file of sysfs; null when it is not there, cannot be read or is empty. */
export async function text(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim() || null
  } catch {
    return null
  }
}

/** The last part of where a link points to. */
export async function linkName(path: string): Promise<string | null> {
  const target = await readlink(path).catch(() => null)
  return target === null ? null : target.slice(target.lastIndexOf('/') + 1)
}
