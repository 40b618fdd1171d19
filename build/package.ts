/** `npm run dist [-- TYPE…]`: a package for this platform in out/. Without a type it is the unpacked folder. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, Platform } from 'electron-builder'
import { blockCodec } from '../native-helpers/volumes/squashfs/block-codec.ts'
import { hasModules } from '../native-helpers/wasm/modules.ts'
import { buildAccess } from './access.ts'
import { bundle } from './bundle.ts'
import { builderConfig } from './electron-builder.ts'
import { electronRuntime } from './electron-runtime.ts'
import { say } from './setup.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

export interface PackageOptions {
  /** electron-builder's names: dir, AppImage, deb … */
  types: string[]
  folder: string
}

/** Writes the package below `folder`; the unpacked one is `folder`/linux-unpacked or the like. */
export async function packageApp({ types, folder }: PackageOptions): Promise<void> {
  const runtime = await electronRuntime()
  if (runtime.kind === 'fallback') {
    const carried = `Electron ${runtime.version} with Node ${process.versions.node} beside it`
    if (types.some((type) => type !== 'dir')) {
      throw new Error(
        `a package for users carries the Electron that package.json names; here there is only ${carried}. "npm run dist" makes a folder of it.`,
      )
    }
    say(`this is a development package: it carries ${carried}, not the Electron that package.json names`)
  }
  if (process.platform === 'linux') {
    await buildAccess().catch((thrown: Error) => say(`the package opens drives only as root: ${thrown.message}`))
  }
  if (!hasModules()) say('the package cannot check or repair Linux volumes: e2fsprogs was not built here (npm run setup)')
  if (!blockCodec())
    say(
      'the package cannot look into squashfs images of lz4 and lzo, nor make ones of xz: their codec was not built here (npm run setup)',
    )
  await bundle({ production: true })
  const config = builderConfig(runtime, folder)
  await build({ targets: Platform.current().createTarget(types), projectDir: top, config, publish: 'never' })
}

if (import.meta.main) {
  const types = process.argv.slice(2)
  await packageApp({ types: types.length > 0 ? types : ['dir'], folder: join(top, 'out') })
}
