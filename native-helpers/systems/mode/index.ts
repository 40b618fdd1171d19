import type { ReportKernel } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import type { Card, Description, System } from '../system.ts'
import { type Chains, chainsOf } from './chains.ts'
import { healthOf } from './health.ts'
import { type Module, readModule } from './module.ts'
import { findStore, type Store } from './store.ts'

/** Modules of MoDe (modular-debian) in a folder or on a stick, laid over each other by their names. */
export const mode: System = {
  async detect(card: Card) {
    const store = await findStore(card)
    if (!store) return null
    return {
      id: 'mode',
      name: 'MoDe modules',
      generation: store.files.some(({ name }) => name.suffix === '.sqfs.img')
        ? 'own names (.sqfs.img)'
        : 'names of live-boot (.squashfs)',
      evidence: evidenceOf(store),
      roles: new Map(store.partition === null ? [] : [[store.partition, 'modules']]),
      describe: () => describe(store),
    }
  },
}

function evidenceOf({ folder, files, lists }: Store): string[] {
  const where = folder === '' ? 'at the top' : `in "${folder}"`
  const endings = [...new Set(files.map(({ name }) => name.suffix))].join(' and ')
  const evidence = [`${files.length} ${files.length === 1 ? 'image' : 'images'} named ${endings} ${where}`]
  const deep = files.filter(({ name }) => name.levels.length > 1).map(({ file }) => file)
  if (deep.length > 0) evidence.push(`names of several levels: ${deep.slice(0, 3).join(', ')}`)
  for (const { file } of lists) evidence.push(`the list ${file}`)
  return evidence
}

async function describe(store: Store): Promise<Description> {
  const modules: Module[] = []
  for (const file of store.files) modules.push(await readModule(file))
  const chains = chainsOf(modules)
  return {
    kernels: modules.flatMap((module) => kernelsOf(store, module, chains, modules)),
    overlays: [],
    rooms: store.usage
      ? [
          {
            id: 'stick',
            title: 'Room for modules',
            ...store.usage,
            note: 'Of the file system that the modules lie in. They do not grow.',
          },
        ]
      : [],
    slots: [],
    findings: healthOf(store, modules, chains),
    facts: factsOf(modules, chains),
  }
}

/** A kernel's drivers may lie in any module of a chain that has the kernel. */
function kernelsOf(store: Store, module: Module, chains: Chains, modules: readonly Module[]): ReportKernel[] {
  const around = modules.filter((other) => chains.chainOf(other).includes(module) || chains.chainOf(module).includes(other))
  return module.kernels.map(({ path, version }) => ({
    where: 'module' as const,
    partition: store.partition,
    version,
    path: `${module.file}:${path}`,
    starts: null,
    modules:
      version === null ? 'unknown' : around.some(({ moduleVersions }) => moduleVersions.includes(version)) ? 'present' : 'missing',
  }))
}

/** The images are copied into memory before they are mounted, so that a chain needs as much as its files have. */
function factsOf(modules: readonly Module[], chains: Chains): { label: string; value: string }[] {
  const memory = chains.tops.map((top) => {
    const chain = chains.chainOf(top)
    const bytes = chain.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const whole = chain.length === top.name.levels.length ? '' : ', not complete'
    return {
      label: `Memory for ${top.name.levels.join('-')}${top.name.architecture ? ` (${top.name.architecture})` : ''}`,
      value: `${decimalSize(bytes)} for ${chain.length} ${chain.length === 1 ? 'module' : 'modules'}${whole}, and what the running system writes`,
    }
  })
  const release = modules.find((module) => module.release)?.release
  return release ? [{ label: 'System', value: release.name }, ...memory] : memory
}
