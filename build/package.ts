/** `npm run dist [-- TYPE…]`: a package for this platform in out/. Without a type it is the unpacked folder. */
import { fileURLToPath } from 'node:url'
import { build, Platform } from 'electron-builder'
import { bundle } from './bundle.ts'
import { builderConfig } from './electron-builder.ts'
import { electronRuntime } from './electron-runtime.ts'
import { say } from './setup.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

/** Returns where the package lies. */
export async function packageApp(types: string[] = ['dir']): Promise<string[]> {
  const runtime = await electronRuntime()
  if (runtime.kind === 'fallback') {
    const bundled = `Electron ${runtime.version} with Node ${process.versions.node} beside it`
    if (types.some((type) => type !== 'dir')) {
      throw new Error(
        `a package for users carries the Electron that package.json names; here there is only ${bundled}. "npm run dist" makes a folder of it.`,
      )
    }
    say(`this is a development package: it carries ${bundled}, not the Electron that package.json names`)
  }
  await bundle({ production: true })
  return build({
    targets: Platform.current().createTarget(types),
    projectDir: top,
    config: builderConfig(runtime),
    publish: 'never',
  })
}

if (import.meta.main) {
  const types = process.argv.slice(2)
  await packageApp(types.length > 0 ? types : ['dir'])
}
