import type { BlockDevice } from '../../block/device.ts'
import type { Finding } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { extContentBytes } from '../../volumes/ext-content.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import { type KernelImage, kernelVersion } from '../../volumes/kernel-image.ts'
import type { Problem } from '../../volumes/problem.ts'
import { findNode, type VolumeTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import { moduleVersions, type Release, releaseOf, sizeOfFiles } from '../linux-root.ts'
import type { CardVolume } from '../system.ts'
import { tmpfsrootFindings } from './findings.ts'

/** A root, which is copied into memory without /boot when it starts. */
export interface RootState {
  /** Only what mke2fs puts there: it waits for the first update. */
  isEmpty: boolean
  bootable: boolean
  kernel: KernelImage | null
  modules: string[]
  release: Release | null
  /** What the copy takes in memory, or a little more than that; null where it cannot be read. */
  copiedBytes: number | null
  findings: Finding[]
}

/** Where the boot menu finds them (root/etc/grub.d/10_linux): links that lead from the root of this partition. */
export const kernelPath = 'boot/vmlinuz'
export const initramfsPath = 'boot/initramfs.img'
const startPrograms = ['sbin/init', 'usr/sbin/init', 'usr/lib/systemd/systemd', 'bin/sh']
/** tmpfs keeps files in whole pages. */
const pageBytes = 4096
const tight = 0.9

/** `title` for people: "Root A". `limitBytes` is the size of the memory that it is copied to; null where the menu does not say. */
export async function readRoot(volume: CardVolume, title: string, limitBytes: number | null): Promise<RootState> {
  const state: RootState = {
    isEmpty: false,
    bootable: false,
    kernel: null,
    modules: [],
    release: null,
    copiedBytes: null,
    findings: [],
  }
  const say = (id: keyof typeof tmpfsrootFindings, detail: string): void => {
    state.findings.push(found(tmpfsrootFindings, id, `${title}: ${detail}.`, volume.number))
  }
  const { problem } = await attempt(() => fill(state, volume, limitBytes, say))
  if (problem) say('tmpfsroot-root-unreadable', `partition ${volume.number}: ${problem.detail}`)
  if (problem) state.bootable = false
  return state
}

async function fill(state: RootState, volume: CardVolume, limitBytes: number | null, say: Say): Promise<void> {
  const { value: tree, problem } = await volume.tree()
  const top = tree?.root.list()
  if (!tree || (top?.problem && top.entries.length === 0)) {
    say('tmpfsroot-root-unreadable', `partition ${volume.number}: ${(problem ?? top?.problem)?.detail ?? 'it cannot be read'}`)
    return
  }
  if (top?.entries.every(({ name }) => name === 'lost+found')) {
    state.isEmpty = true
    return
  }

  const { value: facts } = readExtFacts(volume.device)
  if (facts?.needsRecovery) say('tmpfsroot-root-replay', `the journal of partition ${volume.number} waits to be carried out`)
  if (facts && (!facts.clean || facts.errorCount > 0))
    say('tmpfsroot-root-errors', `partition ${volume.number} is marked as not clean`)
  state.release = releaseOf(tree)
  state.modules = moduleVersions(tree)
  if (!state.release && !startPrograms.some((path) => findNode(tree, path) !== null)) {
    say('tmpfsroot-root-no-system', `partition ${volume.number} has neither etc/os-release nor a start program`)
  }
  await readKernel(tree, state, say)
  await readInitramfs(tree, say)
  measure(volume, tree, state, limitBytes, say)
  state.bootable = state.findings.every(({ id }) => !keepsFromStarting.has(id))
  // Modules that are missing do not keep it from starting.
  if (state.kernel && !state.modules.includes(state.kernel.version)) {
    const has = state.modules.join(' and ') || 'none at all'
    say('tmpfsroot-modules-missing', `the kernel ${state.kernel.version} has no modules in the system, which has those of ${has}`)
  }
}

const keepsFromStarting = new Set<string>([
  'tmpfsroot-root-no-system',
  'tmpfsroot-kernel-missing',
  'tmpfsroot-kernel-damaged',
  'tmpfsroot-initramfs-missing',
  'tmpfsroot-initramfs-damaged',
  'tmpfsroot-root-too-large',
])

type Say = (id: keyof typeof tmpfsrootFindings, detail: string) => void

async function readKernel(tree: VolumeTree, state: RootState, say: Say): Promise<void> {
  const node = findNode(tree, kernelPath)
  if (node?.kind !== 'file') return say('tmpfsroot-kernel-missing', `/${kernelPath} leads to no file`)
  const { value: device, problem: unread } = node.open()
  const kernel = device && (await kernelVersion(device))
  state.kernel = kernel?.value ?? null
  const wrong: Problem | null | undefined = unread ?? kernel?.problem ?? kernel?.value?.problems[0]
  if (wrong && wrong.code !== 'kernel-no-version') say('tmpfsroot-kernel-damaged', `/${kernelPath}: ${wrong.detail}`)
}

async function readInitramfs(tree: VolumeTree, say: Say): Promise<void> {
  const node = findNode(tree, initramfsPath)
  if (node?.kind !== 'file') return say('tmpfsroot-initramfs-missing', `/${initramfsPath} leads to no file`)
  const { value: device, problem: unread } = node.open()
  const initrd = device && (await checkInitrd(device))
  const isWrong = initrd?.value?.end === 'cut-off' || initrd?.value?.end === 'damaged'
  const wrong = unread ?? initrd?.problem ?? (isWrong ? initrd?.value?.problems[0] : null)
  if (wrong) say('tmpfsroot-initramfs-damaged', `/${initramfsPath}: ${wrong.detail}`)
}

/** What is copied, at most: files take whole blocks, as they take whole pages in memory, and /boot is not copied. */
function boundOf(device: BlockDevice, tree: VolumeTree): number | null {
  const content = extContentBytes(device)
  if (content === null) return null
  return Math.max(0, content - (sizeOfFiles(tree, 'boot', { unitBytes: pageBytes })?.bytes ?? 0))
}

/** The counters tell enough where there is room; counting every file, which takes seconds on a card, only where it gets tight. */
function measure({ device }: CardVolume, tree: VolumeTree, state: RootState, limitBytes: number | null, say: Say): void {
  const bound = boundOf(device, tree)
  state.copiedBytes = bound
  if (bound !== null && (limitBytes === null || bound <= limitBytes * tight)) return
  const size = sizeOfFiles(tree, '', { unitBytes: pageBytes, except: ['boot', 'lost+found'] })
  if (!size) return
  state.copiedBytes = size.bytes
  if (limitBytes === null) return
  const detail = `without /boot its files come to ${decimalSize(size.bytes)} of the ${decimalSize(limitBytes)} that the boot menu gives it`
  if (size.bytes > limitBytes) say('tmpfsroot-root-too-large', detail)
  else if (size.bytes > limitBytes * tight) say('tmpfsroot-root-tight', detail)
}
