/** What a package of the app consists of; electron-builder reads it through package.ts. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Configuration } from 'electron-builder'
import { builtFolder, programNames } from '../native-helpers/access/programs.ts'
import { builtCodecFolder, packagedCodecFolder } from '../native-helpers/volumes/squashfs/block-codec.ts'
import { packagedFolder, builtFolder as wasmFolder } from '../native-helpers/wasm/modules.ts'
import type { ElectronRuntime } from './electron-runtime.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

/** The first Electron whose own Node can run the helper, and the first with a fuse for file: addresses. */
const firstWithNewNode = 36
const firstWithFileFuse = 29

/** The packages that the bundles leave out (`nativePackages` in bundle.ts), and what those load at run time. */
const carried = [
  'node_modules/drivelist/{package.json,LICENSE,js/**,build/Release/drivelist.node}',
  'node_modules/{bindings,file-uri-to-path}/**',
  'node_modules/node-liblzma/{package.json,LICENSE}',
  'node_modules/node-liblzma/lib/wasm/liblzma.{js,wasm}',
]

export function builderConfig(runtime: ElectronRuntime, folder: string): Configuration {
  const major = Number(runtime.version.split('.')[0])
  return {
    appId: 'org.livecard.Livecard',
    productName: 'Livecard',
    copyright: 'GPL-2.0-or-later',
    electronVersion: runtime.version,
    electronDist: runtime.folder,
    directories: { output: folder, buildResources: 'build' },
    files: ['package.json', 'LICENSE', 'dist/**', '!dist/**/*.map', '!dist/.built.json', '!node_modules/**', ...carried],
    asar: true,
    // The helper is a program of its own and cannot look into the archive.
    asarUnpack: ['package.json', 'dist/helper/**', 'node_modules/**'],
    extraResources: [...accessPrograms, ...webAssembly(), ...(major >= firstWithNewNode ? [] : [ownNode()])],
    // What runs a folder named on the command line has no place in a package.
    afterPack: ({ appOutDir }) => rm(join(appOutDir, 'resources', 'default_app.asar'), { force: true }),
    npmRebuild: false,
    nodeGypRebuild: false,
    electronLanguages: ['en-US', 'de'],
    electronFuses: {
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      ...(major >= firstWithFileFuse ? { grantFileProtocolExtraPrivileges: false } : {}),
    },
    linux: {
      category: 'Utility',
      executableName: 'livecard',
      icon: 'icons',
      synopsis: 'Write, check and repair live cards and sticks',
    },
    mac: { category: 'public.app-category.utilities', icon: 'icons/512x512.png' },
    win: { icon: 'icons/512x512.png' },
    publish: null,
  }
}

/** What gets one drive's descriptor with privilege; Linux only, built by access.ts. */
const accessPrograms =
  process.platform === 'linux' ? [{ from: builtFolder, to: 'access', filter: Object.values(programNames) }] : []

/** What is compiled from the sources of Debian, where it was: without it the program runs, and says what it misses. */
function webAssembly(): { from: string; to: string; filter: string[] }[] {
  const parts = [
    { from: wasmFolder, to: packagedFolder },
    { from: builtCodecFolder, to: packagedCodecFolder },
  ]
  return parts.filter(({ from }) => existsSync(join(top, from))).map((part) => ({ ...part, filter: ['*.wasm'] }))
}

/** The helper's Node, where Electron's own is too old for it. */
function ownNode(): { from: string; to: string } {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  return { from: join(top, 'node_modules', 'node', 'bin', name), to: name }
}
