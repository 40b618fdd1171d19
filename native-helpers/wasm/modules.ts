import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { partFolders } from '../built-parts.ts'
import { LivecardError } from '../errors.ts'

export type ProgramName = 'e2fsck' | 'resize2fs' | 'mke2fs' | 'tune2fs' | 'dumpe2fs' | 'debugfs'
export type ModuleName = ProgramName | 'ext-files'

/** Below `node_modules` of a checkout, where build/wasm puts what it built. */
export const builtFolder = join('node_modules', '.cache', 'livecard', 'wasm')
/** Among the resources of a package. */
export const packagedFolder = 'wasm'

function pathOf(name: ModuleName): string | null {
  return (
    partFolders(packagedFolder, builtFolder)
      .map((folder) => join(folder, `${name}.wasm`))
      .find((path) => existsSync(path)) ?? null
  )
}

/** Whether what repairs, enlarges, backs up and restores Linux volumes is there; without it everything else works. */
export function hasModules(): boolean {
  return pathOf('e2fsck') !== null && pathOf('ext-files') !== null
}

export function modulesMissing(name: ModuleName): LivecardError {
  return new LivecardError('failed', 'wasm-missing', {
    message: `This Livecard was set up without its tools for Linux file systems (${name}).`,
    meaning:
      'Nothing was touched. Flashing, verifying and listing drives work; checking, repairing, enlarging, backing up and restoring do not.',
    next: 'On Debian, run "npm run setup" as root, which installs emscripten and builds them once (a few minutes).',
  })
}

const compiled = new Map<ModuleName, WebAssembly.Module>()

/** Compiled once per thread (V8 keeps the machine code per process); instances of it cost a millisecond or two. */
export function loadModule(name: ModuleName): WebAssembly.Module {
  const known = compiled.get(name)
  if (known) return known
  const path = pathOf(name)
  if (path === null) throw modulesMissing(name)
  const module = new WebAssembly.Module(readFileSync(path))
  compiled.set(name, module)
  return module
}
