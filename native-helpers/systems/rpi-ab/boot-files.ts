import type { Finding } from '../../contract-report.ts'
import { parseCmdline } from '../../volumes/boot-config/cmdline.ts'
import { argumentValue } from '../../volumes/boot-config/entry.ts'
import { openFat } from '../../volumes/fat-tree.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import { type KernelImage, kernelVersion } from '../../volumes/kernel-image.ts'
import type { Problem } from '../../volumes/problem.ts'
import { childNamed, findNode, type VolumeTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import { firstNamed, textOf } from '../linux-root.ts'
import type { CardVolume } from '../system.ts'
import { type BootFile, bootFilesOf } from './config-txt.ts'
import { abFindings } from './findings.ts'

/** What a slot starts with: the files of its boot partition. */
export interface BootState {
  kernels: { path: string; section: string; image: KernelImage | null }[]
  /** Where the kernel is told to find the system; null where it is not. */
  root: string | null
  /** What keeps it from starting. */
  findings: Finding[]
}

/** The firmware starts from a partition that has one of these (raspberrypi/documentation, raspberry-pi/eeprom-bootloader.adoc). */
const startFiles = ['config.txt', 'start4.elf']
/** Since 2026 the files may lie in an image that the firmware loads as a whole (config_txt/boot.adoc, boot_ramdisk). */
const ramdiskName = 'boot.img'

/** `slot` for people: "slot A". */
export async function readBootFiles(volume: CardVolume, slot: string): Promise<BootState> {
  const state: BootState = { kernels: [], root: null, findings: [] }
  const say = (id: keyof typeof abFindings, detail: string): void => {
    state.findings.push(found(abFindings, id, detail, volume.number))
  }
  const { problem } = await attempt(() => fill(state, volume, slot, say))
  if (problem) say('ab-boot-unreadable', `${slot}: partition ${volume.number}: ${problem.detail}.`)
  return state
}

type Say = (id: keyof typeof abFindings, detail: string) => void

async function fill(state: BootState, volume: CardVolume, slot: string, say: Say): Promise<void> {
  const opened = volume.identity?.type === 'vfat' ? await volume.tree() : null
  if (!opened?.value) {
    say(
      'ab-boot-unreadable',
      `${slot}: partition ${volume.number} is no FAT volume that can be read${because(opened?.problem ?? volume.problem)}.`,
    )
    return
  }
  const listed = opened.value.root.list()
  if (listed.problem) {
    say('ab-boot-unreadable', `${slot}: the files of partition ${volume.number} cannot be listed${because(listed.problem)}.`)
    return
  }
  const inner = ramdiskOf(opened.value)
  if (inner?.problem) {
    say('ab-boot-unreadable', `${slot}: ${ramdiskName} cannot be read${because(inner.problem)}.`)
    return
  }
  const tree = inner?.tree ?? opened.value
  const within = inner ? `${ramdiskName}:/` : '/'
  if (!firstNamed(opened.value, startFiles) && !inner) {
    say('ab-firmware-missing', `${slot}: partition ${volume.number} has neither ${startFiles.join(' nor ')}.`)
  }

  const files = bootFilesOf(tree)
  await readKernels(tree, files.kernels, within, state, (path, detail) => say('ab-kernel-damaged', `${slot}: ${path}: ${detail}.`))
  const missing = files.missingKernels.map(({ path }) => `${within}${path}`)
  if (missing.length > 0) say('ab-kernel-missing', `${slot}: ${missing.join(' and ')} is not there.`)
  for (const { path } of files.initramfs) {
    const wrong = await initramfsProblem(tree, path)
    if (wrong) say('ab-initramfs-damaged', `${slot}: ${within}${path}: ${wrong.detail}.`)
  }

  const cmdline = textOf(tree, files.cmdline, 16 * 1024)
  state.root = cmdline === null ? null : argumentValue(parseCmdline(cmdline).arguments, 'root') || null
  if (needsInitramfs(state.root)) {
    const missingInitramfs = files.missingInitramfs.map(({ path }) => `${within}${path}`)
    if (missingInitramfs.length > 0) say('ab-initramfs-missing', `${slot}: ${missingInitramfs.join(' and ')} is not there.`)
  }
  if (cmdline === null) say('ab-cmdline-missing', `${slot}: ${within}${files.cmdline} is not there.`)
  else if (state.root === null) say('ab-cmdline-missing', `${slot}: ${within}${files.cmdline} has no root=.`)
}

/** The links of a slot are made by the small system; a kernel finds a partition by itself only where it is named as one. The firmware goes on without the file. */
function needsInitramfs(root: string | null): boolean {
  return root === null || root.startsWith('/dev/disk/') || root.startsWith('/dev/mapper/') || root === '/dev/ram0'
}

async function readKernels(
  tree: VolumeTree,
  files: readonly BootFile[],
  within: string,
  state: BootState,
  damaged: (path: string, detail: string) => void,
): Promise<void> {
  for (const { path, section } of files) {
    const { value: device, problem } = findNode(tree, path)?.open() ?? { value: null, problem: null }
    const kernel = device && (await kernelVersion(device))
    state.kernels.push({ path: `${within}${path}`, section, image: kernel?.value ?? null })
    const wrong = problem ?? kernel?.problem ?? kernel?.value?.problems[0]
    // A kernel may be whole and still not tell its version.
    if (wrong && wrong.code !== 'kernel-no-version') damaged(`${within}${path}`, wrong.detail)
  }
}

async function initramfsProblem(tree: VolumeTree, path: string): Promise<Problem | null> {
  const { value: device, problem: unread } = findNode(tree, path)?.open() ?? { value: null, problem: null }
  if (!device) return unread
  const { value, problem } = await checkInitrd(device)
  return value ? (value.end === 'cut-off' || value.end === 'damaged' ? (value.problems[0] ?? null) : null) : problem
}

function ramdiskOf(tree: VolumeTree): { tree: VolumeTree; problem: null } | { tree: null; problem: Problem } | null {
  const node = childNamed(tree, tree.root, ramdiskName)
  if (node?.kind !== 'file') return null
  const isUsed = /^\s*boot_ramdisk\s*=\s*1\s*$/m.test(textOf(tree, 'config.txt') ?? '')
  if (!isUsed && bootFilesOf(tree).kernels.length > 0) return null
  const { value: device, problem: unread } = node.open()
  if (!device) return { tree: null, problem: unread }
  const { value, problem } = openFat(device)
  return value ? { tree: value, problem: null } : { tree: null, problem }
}

export function because(problem: Problem | null | undefined): string {
  return problem ? `: ${problem.detail}` : ''
}
