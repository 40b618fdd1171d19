import type { Use } from '../../facts.ts'
import { type Mount, mountOf, overlayFolders } from './mounts.ts'
import type { FileNumber } from './numbers.ts'
import type { BlockNode } from './sysfs.ts'

/** All that decides what a drive is used for, read at one moment. */
export interface UsageState {
  nodes: Map<string, BlockNode>
  mounts: Mount[]
  swaps: string[]
  /** Numbers of the devices of every multi-device btrfs. */
  btrfs: string[][]
  /** Numbers of the devices whose content is part of a ZFS pool; its mounts do not say which. */
  zfs: string[]
  /** By path: the number of the block device that the path is, or else of the one that holds the file; absent when it cannot be told. */
  fileNumbers: Map<string, FileNumber>
}

/** A whole drive beneath something, and what lies between the two (null: nothing but its partition table). */
interface Beneath {
  number: string
  through: string | null
}

/** By number of the whole drive: everything this computer uses it for. */
export function usesByDrive(state: UsageState): Map<string, Use[]> {
  const uses = new Map<string, Use[]>()
  const add = (number: string, use: Use) => {
    const list = uses.get(number) ?? []
    if (!list.some((other) => JSON.stringify(other) === JSON.stringify(use))) list.push(use)
    uses.set(number, list)
  }

  for (const mount of state.mounts) {
    for (const drive of drivesBeneath(devicesOfMount(mount, state, new Set()), state)) {
      add(drive.number, { kind: 'mount', at: mount.at, through: drive.through })
    }
  }
  for (const at of state.swaps) {
    for (const drive of drivesBeneath(devicesOfPath(at, state, new Set()), state)) add(drive.number, { kind: 'swap', at })
  }
  for (const node of state.nodes.values()) {
    const whole = node.parent ?? node.number
    for (const holder of node.holders) add(whole, { kind: 'holder', name: holder, what: holderWord(holder) })
    if (node.backingFile === null) continue
    const user = { kind: 'holder', name: node.name, what: 'a disk made of one of its files' } as const
    for (const drive of drivesBeneath(devicesOfPath(node.backingFile, state, new Set()), state)) add(drive.number, user)
  }
  const shared = [...state.nodes.values()].map((node) => ({ number: node.number, found: usesOfSameBytes(node, uses, state) }))
  for (const { number, found } of shared) for (const use of found) add(number, use)
  return uses
}

/**
 * A loop device over a drive is another name of that drive, and two loop devices over one file are two names of it. The kernel's exclusive open knows nothing
 * of that: what is in use by one name must not be written by the other.
 */
function usesOfSameBytes(loop: BlockNode, uses: Map<string, Use[]>, state: UsageState, above: string[] = []): Use[] {
  if (loop.backingFile === null || above.includes(loop.name)) return []
  const chain = [...above, loop.name]
  const file = state.fileNumbers.get(loop.backingFile)
  if (file?.isDevice) {
    const below = state.nodes.get(file.number)
    const whole = below && state.nodes.get(below.parent ?? below.number)
    if (!whole) return []
    const others = [...(uses.get(whole.number) ?? []), ...usesOfSameBytes(whole, uses, state, chain)].filter(
      (use) => !(use.kind === 'holder' && chain.includes(use.name)),
    )
    if (others.length === 0) return []
    return [...inherited(others, whole.name), { kind: 'holder', name: whole.name, what: 'another name of a drive that is in use' }]
  }
  const twins = [...state.nodes.values()].filter((other) => other !== loop && isSameFile(loop, other, state))
  return twins.flatMap((twin): Use[] => [
    ...inherited(uses.get(twin.number) ?? [], twin.name),
    { kind: 'holder', name: twin.name, what: 'another disk made of the same file' },
  ])
}

function inherited(uses: Use[], through: string): Use[] {
  return uses.filter((use) => use.kind !== 'holder').map((use) => (use.kind === 'mount' ? { ...use, through } : use))
}

/** By device and inode; where a file cannot be asked any more (it was deleted), by its name. */
function isSameFile(a: BlockNode, b: BlockNode, state: UsageState): boolean {
  if (a.backingFile === null || b.backingFile === null) return false
  const [one, other] = [state.fileNumbers.get(a.backingFile), state.fileNumbers.get(b.backingFile)]
  if (!one || !other) return a.backingFile === b.backingFile
  return !one.isDevice && !other.isDevice && one.number === other.number && one.inode === other.inode
}

function holderWord(name: string): string {
  if (name.startsWith('dm-')) return 'part of an encrypted or LVM volume'
  if (name.startsWith('md')) return 'part of a RAID'
  if (name.startsWith('bcache')) return 'part of a cache'
  return 'part of another device'
}

/** Follows partitions to their drive, and device mapper, RAID and loop devices to what they are made of. */
function drivesBeneath(numbers: string[], state: UsageState): Beneath[] {
  const found = new Map<string, Beneath>()
  const visited = new Set<string>()
  const walk = (number: string, through: string | null) => {
    const node = state.nodes.get(number)
    if (!node || visited.has(number)) return
    visited.add(number)
    if (node.parent !== null && node.parent !== number) return walk(node.parent, through)
    const known = found.get(number)
    if (!known || through === null) found.set(number, { number, through })
    for (const slave of node.slaves) walk(slave, through ?? node.name)
    if (node.backingFile !== null) {
      for (const below of devicesOfPath(node.backingFile, state, new Set())) walk(below, through ?? node.name)
    }
  }
  for (const number of numbers) walk(number, null)
  return [...found.values()]
}

/** The devices that a mounted filesystem has its data on. */
function devicesOfMount(mount: Mount, state: UsageState, seen: Set<Mount>): string[] {
  if (seen.has(mount)) return []
  seen.add(mount)
  if (mount.fs === 'overlay') return overlayFolders(mount).flatMap((folder) => devicesOfFolder(folder, state, seen))
  if (mount.fs === 'zfs') return state.zfs
  if (!mount.number.startsWith('0:')) return [mount.number, ...siblings([mount.number], state)]
  if (!mount.source.startsWith('/')) return []
  // bcachefs names its devices in a row, with colons between.
  const named = mount.source
    .split(':')
    .map((path) => state.fileNumbers.get(path))
    .filter((file) => file?.isDevice)
    .map((file) => file?.number ?? '')
  if (named.length > 0) return [...named, ...siblings(named, state)]
  // A source such as /dev/root that is no longer there: better every btrfs than none.
  return mount.fs === 'btrfs' ? state.btrfs.flat() : []
}

function siblings(numbers: string[], state: UsageState): string[] {
  return state.btrfs.filter((set) => numbers.some((number) => set.includes(number))).flat()
}

function devicesOfFolder(folder: string, state: UsageState, seen: Set<Mount>): string[] {
  const mount = mountOf(folder, state.mounts)
  return mount === null ? [] : devicesOfMount(mount, state, seen)
}

/** The device that a path is, or those of the filesystem that the file lies on. */
function devicesOfPath(path: string, state: UsageState, seen: Set<Mount>): string[] {
  const file = state.fileNumbers.get(path)
  if (file && (file.isDevice || !file.number.startsWith('0:'))) return [file.number, ...siblings([file.number], state)]
  return devicesOfFolder(path.replace(/ \(deleted\)$/, ''), state, seen)
}

/** The paths whose numbers `fileNumbers` has to hold. */
export function pathsToLookUp(nodes: Map<string, BlockNode>, mounts: Mount[], swaps: string[]): string[] {
  const files = [...nodes.values()].map((node) => node.backingFile).filter((file) => file !== null)
  const sources = mounts
    .filter((mount) => mount.number.startsWith('0:') && mount.source.startsWith('/'))
    .flatMap((mount) => mount.source.split(':'))
  return [...new Set([...files, ...swaps, ...sources])]
}
