import type { Finding, ReportKernel } from '../../contract-report.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import type { Parsed, Problem } from '../../volumes/problem.ts'
import { found } from '../finding.ts'
import { lamponeFindings } from './findings.ts'
import { compareInstalled, type Difference } from './installed-kernel.ts'
import { type IsoPart, initrdPath, kernelPath } from './iso-part.ts'
import { modulesOf, type Union } from './modules.ts'
import { readOr, valueOr } from './tolerant.ts'

export interface KernelsSeen {
  kernels: ReportKernel[]
  findings: Finding[]
}

export interface KernelPlaces {
  system: IsoPart | null
  kernel: IsoPart | null
  /** What the boot menu starts by itself; null where that cannot be told. */
  starting: 'system' | 'kernel' | 'neither' | null
  union: Union
}

/** The kernels of both places that can start, whether they are whole, and whether their drivers are there. */
export async function checkKernels({ system, kernel, starting, union }: KernelPlaces): Promise<KernelsSeen> {
  const kernels: ReportKernel[] = []
  const findings: Finding[] = []
  for (const [where, part] of [['kernel', kernel] as const, ['system', system] as const]) {
    if (!part) continue
    const { number } = part.volume
    const damage = await damageOf(part)
    if (damage) {
      const id = where === 'kernel' ? 'kernel-partition-incomplete' : 'spare-kernel-damaged'
      findings.push(found(lamponeFindings, id, `Partition ${number}: ${damage}.`, number))
    }
    if (!part.kernelFile.value) continue
    const version = part.kernel.value?.version ?? null
    const starts = starting === null ? null : starting === where
    const modules = version === null ? 'unknown' : await valueOr('unknown' as const, () => modulesOf(union, version))
    kernels.push({ where, partition: number, version, path: kernelPath, starts, modules })
    if (modules !== 'missing') continue
    const isFirst = starts ?? where === 'kernel'
    const id = isFirst ? 'kernel-without-modules' : 'spare-kernel-without-modules'
    findings.push(
      found(
        lamponeFindings,
        id,
        `Partition ${number} holds Linux ${version}; there is no folder ${version} with its modules.`,
        number,
      ),
    )
  }
  const [own, shipped] = [kernel?.kernel.value?.version, system?.kernel.value?.version]
  if (kernel && own && shipped && own !== shipped && kernels[0]?.modules === 'present') {
    const detail = `Partition ${kernel.volume.number} holds Linux ${own}; the system came with ${shipped}.`
    findings.push(found(lamponeFindings, 'kernel-updated', detail, kernel.volume.number))
  }
  const isWhole = !findings.some(({ id }) => id === 'kernel-partition-incomplete')
  if (kernel?.kernelFile.value && own && isWhole) {
    const { device } = kernel.kernelFile.value
    const difference = await valueOr(null, () => compareInstalled(device, own, union))
    if (difference) findings.push(differenceFinding(difference, own, kernel.volume.number))
  }
  return { kernels, findings }
}

function differenceFinding(difference: Difference, version: string, number: number): Finding {
  const file = `boot/vmlinuz-${version}`
  switch (difference.kind) {
    case 'torn': {
      const detail = `Partition ${number}: ${kernelPath} is not the ${file} that it was copied from, from about byte ${difference.atByte} on.`
      return found(lamponeFindings, 'kernel-partition-incomplete', detail, number)
    }
    case 'other':
      return found(
        lamponeFindings,
        'kernel-partition-stale',
        `Partition ${number}: ${kernelPath} is another build than the installed ${file}.`,
        number,
      )
    case 'older': {
      const detail = `Partition ${number} holds Linux ${version}, and Linux ${difference.installed} is installed.`
      return found(lamponeFindings, 'kernel-partition-stale', detail, number)
    }
  }
}

/** What is wrong with the two files that a start needs, as a clause; null where nothing is seen. */
async function damageOf({ kernel, kernelFile, initrdFile }: IsoPart): Promise<string | null> {
  const initrd = initrdFile.value ? await readOr(() => checkInitrd(initrdFile.value.device)) : initrdFile
  const ofKernel = problemOf(kernelPath, kernelFile.value ? kernel : kernelFile)
  const ofInitrd = problemOf(initrdPath, initrd)
  return [ofKernel, ofInitrd].filter((clause) => clause !== null).join('; ') || null
}

function problemOf(path: string, { value, problem }: Parsed<object>): string | null {
  const first = problem ?? (value && 'problems' in value ? (value.problems as Problem[])[0] : null)
  if (!first) return null
  return first.code.startsWith('iso-file') ? first.detail : `${path}: ${first.detail}`
}
