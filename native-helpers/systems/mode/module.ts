import { kernelVersion } from '../../volumes/kernel-image.ts'
import type { Problem } from '../../volumes/problem.ts'
import { readSuperblock } from '../../volumes/squashfs/superblock.ts'
import { openSquashfsTree } from '../../volumes/squashfs/tree.ts'
import { findNode, type TreeNode, type VolumeTree, walkTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { moduleVersions, type Release, releaseOf } from '../linux-root.ts'
import { architectureFolders, type ModuleName } from './module-name.ts'
import type { ModuleFile } from './store.ts'

/** A module that was looked into. */
export interface Module {
  file: string
  name: ModuleName
  sizeBytes: number
  /** When the image was made; null where it cannot be read. */
  madeSeconds: number | null
  /** What keeps it from being used. */
  problem: Problem | null
  /** The architecture of its libraries; null where there are none, or of several. */
  architecture: string | null
  release: Release | null
  kernels: { path: string; version: string | null }[]
  moduleVersions: string[]
  /** Deleted files and replaced folders as aufs notes them, the first few. */
  aufsMarks: string[]
  aufsMarkCount: number
}

/** aufs(5): ".wh.NAME" hides a file, ".wh..wh..opq" all that a folder had before; other names of that kind are its own notes. */
const hides = /^\.wh\.(?!\.wh\.)|^\.wh\.\.wh\.\.opq$/
const maxMarks = 5
const limits = { maxEntries: 300_000 }
const caches = { contentCacheBytes: 4 * 1024 * 1024, metadataCacheBytes: 8 * 1024 * 1024 }

export async function readModule({ file, name, node }: ModuleFile): Promise<Module> {
  const module: Module = {
    ...{ file, name, sizeBytes: node.sizeBytes, madeSeconds: null, problem: null, architecture: null, release: null },
    ...{ kernels: [], moduleVersions: [], aufsMarks: [], aufsMarkCount: 0 },
  }
  const { problem } = await attempt(() => fill(module, node))
  module.problem ??= problem
  return module
}

async function fill(module: Module, node: TreeNode): Promise<void> {
  const { value: device, problem } = node.open()
  if (!device) {
    module.problem = problem
    return
  }
  // Throws what is wrong with an image that is none.
  module.madeSeconds = readSuperblock(device).madeSeconds
  const opened = await openSquashfsTree(device, caches)
  if (opened.value) await lookInto(module, opened.value)
  else module.problem = opened.problem
}

async function lookInto(module: Module, tree: VolumeTree): Promise<void> {
  const problems = walkTree(
    tree,
    (path, { name }) => {
      if (!hides.test(name)) return
      module.aufsMarkCount += 1
      if (module.aufsMarks.length < maxMarks) module.aufsMarks.push(path)
    },
    limits,
  )
  // An image larger than what is walked here is whole all the same.
  module.problem = problems.find(({ code }) => code !== 'tree-large') ?? null
  module.release = releaseOf(tree)
  module.moduleVersions = moduleVersions(tree)
  module.architecture = architectureOf(tree)
  for (const { name, kind } of findNode(tree, 'boot')?.list().entries ?? []) {
    if (kind !== 'file' || !/^vmlinu[xz]/.test(name)) continue
    const { value: device } = findNode(tree, `boot/${name}`)?.open() ?? { value: null }
    const kernel = device && (await kernelVersion(device))
    module.kernels.push({ path: `/boot/${name}`, version: kernel?.value?.version ?? null })
  }
}

function architectureOf(tree: VolumeTree): string | null {
  const found = new Set<string>()
  for (const path of ['usr/lib', 'lib']) {
    for (const { name, kind } of findNode(tree, path)?.list().entries ?? []) {
      const architecture = kind === 'directory' ? architectureFolders.get(name) : undefined
      if (architecture) found.add(architecture)
    }
  }
  const [first, ...others] = found
  return first !== undefined && others.length === 0 ? first : null
}
