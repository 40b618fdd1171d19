import type { Finding, ReportKernel } from '../../contract-report.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import { kernelVersion } from '../../volumes/kernel-image.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { problemOf } from '../card.ts'
import { found } from '../finding.ts'
import { moduleVersions } from '../linux-root.ts'
import { attempt } from './attempt.ts'
import { liveosFindings } from './findings.ts'
import type { BootFile, LiveEntry } from './menus.ts'

export interface KernelReport {
  kernels: ReportKernel[]
  findings: Finding[]
}

/** That it is no kernel at all is damage; a form that is not known here is not. */
const damagedCodes = new Set(['kernel-short', 'kernel-none', 'kernel-cut-off', 'kernel-damaged', 'kernel-unpack'])

/** The kernels that the menus start, and whether the system has modules for them. `roots` is what a started system sees, null where that is not known. */
export async function describeKernels(entries: readonly LiveEntry[], roots: readonly VolumeTree[] | null): Promise<KernelReport> {
  const report: KernelReport = { kernels: [], findings: [] }
  const modules =
    roots && roots.length > 0
      ? attempt(report.findings, 'The modules of the system', null, () => [...new Set(roots.flatMap(moduleVersions))])
      : null
  for (const { file, starts } of distinct(entries, ({ kernel }) => (kernel ? [kernel] : []))) {
    const version = await versionOf(file, report.findings)
    report.kernels.push({
      ...{ where: 'boot', partition: file.place.partition, version, path: file.path, starts },
      modules: version === null || modules === null ? 'unknown' : modules.includes(version) ? 'present' : 'missing',
    })
  }
  for (const { file } of distinct(entries, ({ initrds }) => initrds)) await checkInitrdFile(file, report.findings)
  checkModules(report, modules)
  return report
}

function checkModules({ kernels, findings }: KernelReport, modules: readonly string[] | null): void {
  const starting = kernels.filter(({ starts, version }) => starts && version !== null)
  for (const { version, path, partition, modules: state } of starting) {
    if (state !== 'missing') continue
    const others = modules && modules.length > 0 ? `only for ${modules.join(' and ')}` : 'for none'
    findings.push(
      found(liveosFindings, 'liveos-modules-missing', `"${path}" is ${version}, and the system has modules ${others}.`, partition),
    )
  }
  const newer = (modules ?? []).filter((version) => !kernels.some((kernel) => kernel.version === version))
  if (newer.length === 0 || starting.length === 0 || starting.some(({ modules: state }) => state === 'missing')) return
  const detail = `The stick starts ${starting.map(({ version }) => version).join(' and ')}, and the system also has modules for ${newer.join(' and ')}.`
  findings.push(found(liveosFindings, 'liveos-kernel-update', detail, starting[0]?.partition ?? null))
}

async function versionOf({ path, place, node }: BootFile, findings: Finding[]): Promise<string | null> {
  if (!node) return null
  const told = (detail: string) =>
    findings.push(found(liveosFindings, 'liveos-kernel-damaged', `"${path}": ${detail}.`, place.partition))
  try {
    const { value: device, problem: unopened } = node.open()
    if (!device) {
      told(unopened.detail)
      return null
    }
    const { value: kernel, problem } = await kernelVersion(device)
    if (problem && damagedCodes.has(problem.code)) told(problem.detail)
    const [first] = kernel?.problems ?? []
    if (first) told(first.detail)
    return kernel?.version ?? null
  } catch (thrown) {
    told(problemOf(thrown).detail)
    return null
  }
}

async function checkInitrdFile({ path, place, node }: BootFile, findings: Finding[]): Promise<void> {
  if (!node) return
  const told = (detail: string) =>
    findings.push(found(liveosFindings, 'liveos-initrd-damaged', `"${path}": ${detail}.`, place.partition))
  try {
    const { value: device, problem: unopened } = node.open()
    if (!device) return void told(unopened.detail)
    const { value: initrd, problem } = await checkInitrd(device)
    if (problem) told(problem.detail)
    else if (initrd.end === 'cut-off' || initrd.end === 'damaged') told(initrd.problems[0]?.detail ?? 'it ends early')
  } catch (thrown) {
    told(problemOf(thrown).detail)
  }
}

/** Every file once, and whether an entry that starts by itself uses it. */
function distinct(entries: readonly LiveEntry[], filesOf: (entry: LiveEntry) => BootFile[]): { file: BootFile; starts: boolean }[] {
  const known = new Map<string, { file: BootFile; starts: boolean }>()
  for (const entry of entries) {
    for (const file of filesOf(entry).filter(({ node }) => node !== null)) {
      const key = `${file.place.partition}:${file.place.tree.foldsCase ? file.path.toLowerCase() : file.path}`
      const before = known.get(key)
      known.set(key, { file: before?.file ?? file, starts: entry.starts || (before?.starts ?? false) })
    }
  }
  return [...known.values()]
}
