import type { BlockDevice } from '../../block/device.ts'
import { LivecardError } from '../../errors.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import { kernelVersion } from '../../volumes/kernel-image.ts'
import { findNode, isWhiteout, type VolumeTree } from '../../volumes/tree.ts'
import { bootFolder, compareVersions, installedVersions } from './installed-kernel.ts'
import type { IsoPart } from './iso-part.ts'
import { isCovered, type ModulesState, modulesOf, type Union } from './modules.ts'
import { readOr, valueOr } from './tolerant.ts'

/** What a kernel partition can be written from. */
export interface KernelSource {
  /** The system as it was delivered, or what the running system installed among the changes. */
  from: 'system' | 'rw'
  version: string
  kernel: BlockDevice
  initrd: BlockDevice
  modules: ModulesState
  /** For people: "boot/vmlinuz-5.6.0 of your changes". */
  place: string
}

interface Pair {
  kernel: BlockDevice
  initrd: BlockDevice
  place: string
}

/**
 * The kernels that could start this card, the best first: the newest that was installed and has its drivers, then the one that the system came with, then
 * those whose drivers cannot be told or are missing. Only whole ones.
 */
export async function kernelSources(system: IsoPart | null, union: Union): Promise<KernelSource[]> {
  const sources: KernelSource[] = []
  const versions = new Set([union.upper, union.lower].flatMap((tree) => (tree ? installedVersions(tree) : [])))
  for (const version of [...versions].sort(compareVersions).reverse()) {
    const { value } = await readOr(() => ({ value: installedPair(union, version), problem: null }) as const)
    if (value) sources.push(...(await sourceOf(value.from, value, union, version)))
  }
  if (system?.kernelFile.value && system.initrdFile.value) {
    const pair: Pair = {
      kernel: system.kernelFile.value.device,
      initrd: system.initrdFile.value.device,
      place: `partition ${system.volume.number}`,
    }
    // Ahead of its twin within the compressed system.
    sources.splice(sources.filter(({ from }) => from === 'rw').length, 0, ...(await sourceOf('system', pair, union)))
  }
  const rank = ({ modules, from }: KernelSource) =>
    modules === 'present' ? (from === 'rw' ? 0 : 1) : modules === 'unknown' && from === 'system' ? 2 : 3
  return sources.sort((a, b) => rank(a) - rank(b))
}

/** Nothing where it is damaged, or is another kernel than its name says. */
async function sourceOf(from: KernelSource['from'], pair: Pair, union: Union, named?: string): Promise<KernelSource[]> {
  const { value: image } = await readOr(() => kernelVersion(pair.kernel))
  const { value: initrd } = await readOr(() => checkInitrd(pair.initrd))
  const version = image?.version ?? null
  if (version === null || (named !== undefined && named !== version)) return []
  if (!initrd || image?.problems.length !== 0 || initrd.problems.length > 0) return []
  const modules = await valueOr('unknown' as const, () => modulesOf(union, version))
  return [{ from, version, modules, ...pair }]
}

/** Kernel and initrd as the running system sees them in /boot, each from the changes or else from what is below. */
function installedPair(union: Union, version: string): (Pair & Pick<KernelSource, 'from'>) | null {
  const kernel = unionFile(union, `${bootFolder}/vmlinuz-${version}`)
  const initrd = unionFile(union, `${bootFolder}/initrd.img-${version}`)
  if (!kernel || !initrd) return null
  const from = kernel.own || initrd.own ? 'rw' : 'system'
  const place = `${bootFolder}/vmlinuz-${version} of ${from === 'rw' ? 'your changes' : 'the compressed system'}`
  return { from, kernel: kernel.device, initrd: initrd.device, place }
}

function unionFile({ upper, lower, upperHidden }: Union, path: string): { device: BlockDevice; own: boolean } | null {
  const node = upper && findNode(upper, path)
  if (node && !isWhiteout(node)) return opened(upper, path, true)
  if (node || upperHidden || (upper && isCovered(upper, path))) return null
  return lower && opened(lower, path, false)
}

function opened(tree: VolumeTree, path: string, own: boolean): { device: BlockDevice; own: boolean } | null {
  const node = findNode(tree, path)
  const device = node?.kind === 'file' ? node.open().value : null
  return device && device.size > 0 ? { device, own } : null
}

/** The one to take: the best of all, or of those that were asked for. Throws where there is none of these. */
export function chosenSource(sources: readonly KernelSource[], asked: string | undefined): KernelSource | null {
  if (asked === undefined) return sources[0] ?? null
  if (asked !== 'system' && asked !== 'rw') throw noSource(`"${asked}" is none of "system" and "rw"`)
  const source = sources.find(({ from }) => from === asked)
  if (source) return source
  throw noSource(asked === 'rw' ? 'there is no whole kernel with its initrd among the changes' : 'the one of the system is damaged')
}

function noSource(why: string): LivecardError {
  return new LivecardError('failed', 'kernel-source', {
    message: `The kernel partition cannot be written from there: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Leave --kernel-from out, and the best kernel that is on the card is taken.',
  })
}
