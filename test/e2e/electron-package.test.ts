/** The package as a user gets it: made by electron-builder, its fuses set, started without any of our tools around it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { type Browser, chromium, type Page } from 'playwright-core'
import { packageApp } from '../../build/package.ts'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { builtCodecFolder } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { builtFolder as wasmFolder } from '../../native-helpers/wasm/modules.ts'
import { type Display, openDisplay } from '../support/display.ts'
import { asUser, homeOf, type TestUser, testUsers } from '../support/electron-app.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))
const screenshots = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
const skip = process.platform !== 'linux' && 'the package is made for Linux here'

let base: string
let display: Display
let folder: string

before(async () => {
  if (skip) return
  base = mkdtempSync(join(tmpdir(), 'livecard-package-'))
  chmodSync(base, 0o755)
  folder = join(base, 'linux-unpacked')
  display = await openDisplay()
  await packageApp({ types: ['dir'], folder: base })
  mkdirSync(screenshots, { recursive: true })
})
after(async () => {
  await display?.close()
  if (base) rmSync(base, { recursive: true, force: true })
})

test('its fuses are set', { skip }, async () => {
  // The wire is text inside the program: a digit per fuse.
  const wire = await getCurrentFuseWire(join(folder, 'livecard'))
  const on = [
    FuseV1Options.EnableCookieEncryption,
    FuseV1Options.EnableEmbeddedAsarIntegrityValidation,
    FuseV1Options.OnlyLoadAppFromAsar,
  ]
  const off = [
    FuseV1Options.RunAsNode,
    FuseV1Options.EnableNodeOptionsEnvironmentVariable,
    FuseV1Options.EnableNodeCliInspectArguments,
  ]
  for (const fuse of on) assert.equal(String.fromCharCode(Number(wire[fuse])), '1', FuseV1Options[fuse])
  for (const fuse of off) assert.equal(String.fromCharCode(Number(wire[fuse])), '0', FuseV1Options[fuse])
})

test('it is not Node, whatever its environment says', { skip }, () => {
  const ran = join(base, 'ran')
  const script = `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '')`
  const started = spawn(join(folder, 'livecard'), ['-e', script], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', DISPLAY: ':none' },
    stdio: 'ignore',
  })
  return new Promise<void>((resolve) => started.once('exit', () => resolve())).then(() => assert.ok(!existsSync(ran)))
})

test('it carries the bundles and the native parts, and nothing else', { skip }, () => {
  const resources = join(folder, 'resources')
  assert.ok(existsSync(join(resources, 'app.asar')))
  assert.ok(!existsSync(join(resources, 'default_app.asar')))
  assert.deepEqual(readdirSync(join(resources, 'access')).sort(), ['open-drive', 'receive.node'])
  const unpacked = join(resources, 'app.asar.unpacked')
  assert.deepEqual(readdirSync(unpacked).sort(), ['dist', 'node_modules', 'package.json'])
  assert.deepEqual(readdirSync(join(unpacked, 'dist')), ['helper'])
  assert.deepEqual(readdirSync(join(unpacked, 'node_modules')).sort(), [
    'bindings',
    'drivelist',
    'file-uri-to-path',
    'node-liblzma',
  ])
  const helper = readdirSync(join(unpacked, 'dist', 'helper'))
  assert.ok(!helper.some((name) => name.endsWith('.map')))
  const started = globSync(['native-helpers/**/*-worker.ts', 'native-helpers/**/file-in-image.ts'], { cwd: top })
  for (const entry of started) assert.ok(helper.includes(`${basename(entry, '.ts')}.js`), entry)
  const built = (folder: string) => globSync(join(top, folder, '*.wasm')).map((path) => basename(path))
  const carried = (name: string) => (existsSync(join(resources, name)) ? readdirSync(join(resources, name)) : [])
  assert.deepEqual(carried('wasm').sort(), built(wasmFolder).sort())
  assert.deepEqual(carried('codec').sort(), built(builtCodecFolder).sort())
})

for (const user of testUsers) {
  test(`it starts as ${user === 'root' ? 'root' : 'an ordinary user'}, and shows this machine's drives`, {
    skip,
    timeout: 60_000,
  }, async () => {
    const started = await startPackage(user)
    try {
      const { page, errors } = started
      await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
      await page.evaluate(() => {
        location.hash = '#/drives'
      })
      await page.getByRole('heading', { name: 'Cards and sticks', exact: true, level: 1 }).waitFor()
      // The disks of the machine; loop devices of other tests come and go.
      const disks = (await listDrives()).filter((drive) => !drive.virtual).map((drive) => drive.identity.path)
      const shown = await page.locator('main').innerText()
      for (const path of disks) assert.ok(shown.includes(path), `${path} is not shown`)
      await page.evaluate(() => {
        location.hash = '#/settings'
      })
      // Asked of the helper: the version that package.json has.
      await page.getByText('0.1.0').waitFor()
      await page.screenshot({ path: join(screenshots, `electron-package-as-${user}.png`) })
      assert.deepEqual(errors, [])
      assert.doesNotMatch(started.printed(), /Debugger listening/)
    } finally {
      await started.close()
    }
  })
}

interface StartedPackage {
  page: Page
  errors: string[]
  printed(): string
  close(): Promise<void>
}

/** The fuses keep Node's debugger out, so only the page is driven, over Chromium's own. */
async function startPackage(user: TestUser): Promise<StartedPackage> {
  const home = homeOf(user)
  const [command = '', ...words] = [
    ...asUser(user),
    join(folder, 'livecard'),
    ...(user === 'root' ? ['--no-sandbox'] : []),
    '--inspect=0',
    '--remote-debugging-port=0',
  ]
  const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', HOME: home, XDG_RUNTIME_DIR: home, DISPLAY: display.name }
  const child = spawn(command, words, { cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let browser: Browser | null = null
  const close = async () => {
    // SIGTERM is what the system sends at logout: the app ends its helper and goes.
    child.kill('SIGTERM')
    const patience = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await gone
    clearTimeout(patience)
    await browser?.close().catch(() => {})
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const printed = collect(child)
    browser = await chromium.connectOverCDP(await printed.match(/DevTools listening on (ws:\S+)/), { noDefaults: true })
    const page = browser.contexts()[0]?.pages()[0]
    assert.ok(page)
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    return { page, errors, printed: printed.text, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

function collect(child: ChildProcess): { text(): string; match(pattern: RegExp): Promise<string> } {
  let text = ''
  const match = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => {
        text += chunk
        const found = pattern.exec(text)?.[1]
        if (found) resolve(found)
      })
      child.once('exit', (code) => reject(new Error(`it ended with exit code ${code}: ${text}`)))
    })
  return { text: () => text, match }
}
