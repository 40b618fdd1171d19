import type { BlockDevice } from '../../block/device.ts'
import { findNode, isWhiteout, type VolumeTree } from '../../volumes/tree.ts'
import type { Union } from './modules.ts'

/** How the kernel of the kernel partition differs from the one that it is a copy of. */
export type Difference = { kind: 'torn'; atByte: number } | { kind: 'other' } | { kind: 'older'; installed: string }

/** live-tools takes kernel and initrd for the kernel partition from here (live-update-initramfs). */
export const bootFolder = 'boot'
const prefix = 'vmlinuz-'
/** A write that stopped leaves what was there before behind some point: places over the whole file tell, and its end. */
const sampleCount = 8
const sampleBytes = 4096
const maxKernelNames = 1000

/** Compares the kernel that starts with what the running system installed; null where they are equal, or there is nothing to compare with. */
export function compareInstalled(kernel: BlockDevice, version: string, { upper, lower }: Union): Difference | null {
  const newer = upper ? installedVersions(upper).filter((one) => compareVersions(one, version) > 0) : []
  const installed = newer.sort(compareVersions).at(-1)
  if (installed !== undefined) return { kind: 'older', installed }
  const source = installedFile(upper, version) ?? installedFile(lower, version)
  if (!source) return null
  if (source.size !== kernel.size) return { kind: 'other' }
  const step = Math.max(sampleBytes, Math.floor(kernel.size / sampleCount))
  for (let at = 0; at < kernel.size; at += step) {
    const differs = differsAt(kernel, source, at)
    if (differs) return at === 0 ? { kind: 'other' } : { kind: 'torn', atByte: at }
  }
  const last = Math.max(0, kernel.size - sampleBytes)
  return differsAt(kernel, source, last) ? { kind: 'torn', atByte: last } : null
}

function differsAt(one: BlockDevice, other: BlockDevice, at: number): boolean {
  const [a, b] = [one, other].map((device) => {
    const bytes = new Uint8Array(Math.min(sampleBytes, device.size - at))
    device.readSync(bytes, at)
    return bytes
  })
  return !a || !b || Buffer.compare(a, b) !== 0
}

function installedFile(tree: VolumeTree | null, version: string): BlockDevice | null {
  const node = tree && findNode(tree, `${bootFolder}/${prefix}${version}`)
  return node?.kind === 'file' ? node.open().value : null
}

/** Of the kernels that lie in the folder `boot` of a tree. */
export function installedVersions(tree: VolumeTree): string[] {
  const folder = findNode(tree, bootFolder)
  if (folder?.kind !== 'directory') return []
  return folder
    .list()
    .entries.slice(0, maxKernelNames)
    .filter((entry) => entry.name.startsWith(prefix) && entry.kind === 'file' && !isWhiteout(entry))
    .map(({ name }) => name.slice(prefix.length))
}

/** Numbers by their value, everything else by its letters: "5.6.0-2" comes before "5.10.0-1". */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a)
  const right = partsOf(b)
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [one = '', other = ''] = [left[at], right[at]]
    const difference = Number(one) - Number(other)
    if (one !== '' && other !== '' && !Number.isNaN(difference)) {
      if (difference !== 0) return difference
    } else if (one !== other) return one < other ? -1 : 1
  }
  return 0
}

function partsOf(version: string): string[] {
  return version.match(/\d+|\D+/g) ?? []
}
