import type { BlockDevice } from '../../block/device.ts'
import { type IsoVolume, openIso9660 } from '../../volumes/iso9660.ts'
import { type KernelImage, kernelVersion } from '../../volumes/kernel-image.ts'
import type { Parsed, Problem } from '../../volumes/problem.ts'
import { findNode } from '../../volumes/tree.ts'
import type { CardVolume } from '../system.ts'
import { readOr } from './tolerant.ts'

/** What both ISO partitions hold; the system partition has the squashfs besides. */
export const kernelPath = 'live/vmlinuz'
export const initrdPath = 'live/initrd.img'
export const squashfsPath = 'live/filesystem.squashfs'

/** A file of an ISO partition: absent, or there but not to be opened, or open. */
export interface IsoFile {
  path: string
  sizeBytes: number
  device: BlockDevice
}

export interface IsoPart {
  volume: CardVolume
  iso: IsoVolume
  kernel: Parsed<KernelImage>
  kernelFile: Parsed<IsoFile>
  initrdFile: Parsed<IsoFile>
}

/** An ISO partition with its kernel; a problem where there is no volume that can be read. */
export async function openIsoPart(volume: CardVolume): Promise<Parsed<IsoPart>> {
  const { value: iso, problem } = await readOr(() => openIso9660(volume.device))
  if (!iso) return { value: null, problem }
  const kernelFile = await readOr(() => isoFile(iso, kernelPath))
  const kernel: Parsed<KernelImage> = kernelFile.value
    ? await readOr(() => kernelVersion(kernelFile.value.device))
    : { value: null, problem: kernelFile.problem }
  const initrdFile = await readOr(() => isoFile(iso, initrdPath))
  return { value: { volume, iso, kernel, kernelFile, initrdFile }, problem: null }
}

export function isoFile(iso: IsoVolume, path: string): Parsed<IsoFile> {
  const node = findNode(iso, path)
  if (node?.kind !== 'file') return { value: null, problem: missing(path) }
  const { value: device, problem } = node.open()
  if (!device) return { value: null, problem }
  if (device.size === 0) return { value: null, problem: { code: 'iso-file-empty', detail: `${path} is empty` } }
  return { value: { path, sizeBytes: node.sizeBytes, device }, problem: null }
}

function missing(path: string): Problem {
  return { code: 'iso-file-missing', detail: `there is no ${path}` }
}
