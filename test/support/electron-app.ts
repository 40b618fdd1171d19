/** The app in a real Electron, for tests: laid out where every user can read it, and driven by Playwright. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import { bundle, nativePackages } from '../../build/bundle.ts'
import { electronRuntime } from '../../build/electron-runtime.ts'
import { builtFolder } from '../../native-helpers/wasm/modules.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(top, 'node_modules')

/** root: Chromium's sandbox is refused to root, so it runs without. user: nobody's rights, full sandbox. */
export type TestUser = 'root' | 'user'
export const isRoot = process.getuid?.() === 0
/** Without root there is only the user who runs the tests. */
export const testUsers: readonly TestUser[] = isRoot ? ['root', 'user'] : ['user']

/** Debian's and everybody's account without rights. */
const nobody = { uid: 65534, gid: 65534 }

export interface StagedApp {
  /** Of the app: package.json, dist, what it needs of node_modules. */
  folder: string
  /** Of Electron. */
  runtime: string
  remove(): void
}

/** Copies, so that a checkout in a private home works too and a build in the middle of a test changes nothing. */
export async function stageApp(): Promise<StagedApp> {
  const { folder: runtime } = await electronRuntime()
  await bundle({ production: false })
  const base = mkdtempSync(join(tmpdir(), 'livecard-electron-test-'))
  chmodSync(base, 0o755)
  const folder = join(base, 'app')
  mkdirSync(folder)
  cpSync(join(top, 'package.json'), join(folder, 'package.json'))
  cpSync(join(top, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const name of [...nativePackages, 'bindings', 'file-uri-to-path']) {
    cpSync(join(modules, name), join(folder, 'node_modules', name), { recursive: true })
  }
  if (existsSync(join(top, builtFolder))) cpSync(join(top, builtFolder), join(folder, builtFolder), { recursive: true })
  copyTree(join(modules, 'node', 'bin'), join(folder, 'node_modules', 'node', 'bin'))
  copyTree(runtime, join(base, 'electron'))
  cpSync(join(modules, 'playwright-core', 'lib', 'server', 'electron', 'loader.js'), join(base, 'loader.js'))
  execFileSync('chmod', ['-R', 'a+rX', base])
  return { folder, runtime: join(base, 'electron'), remove: () => rmSync(base, { recursive: true, force: true }) }
}

/** Hundreds of megabytes, so by hard links where the file system can. */
function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    rmSync(to, { recursive: true, force: true })
    execFileSync('cp', ['-a', from, to])
  }
}

export interface OpenedApp {
  app: ElectronApplication
  page: Page
  /** Belongs to the user who runs the app. */
  home: string
  /** Uncaught errors of the page so far. */
  errors: string[]
  close(): Promise<void>
}

export interface LaunchOptions {
  user: TestUser
  display: string
  /** Another folder than the staged app's, for tests of a part. */
  folder?: string
  env?: Record<string, string>
}

export async function launchApp(staged: StagedApp, { user, display, folder, env }: LaunchOptions): Promise<OpenedApp> {
  const base = dirname(staged.folder)
  const home = homeOf(user)
  // Playwright's own way of starting cannot change the user; a script in Electron's place can, and it names the loader itself.
  const program = join(base, `electron-as-${user}`)
  writeFileSync(program, `#!/bin/sh\nexec ${asUser(user).join(' ')} '${staged.runtime}/electron' -r '${base}/loader.js' "$@"\n`, {
    mode: 0o755,
  })
  const app = await _electron
    .launch({
      executablePath: program,
      args: [folder ?? staged.folder],
      chromiumSandbox: user === 'user',
      // Not Playwright's own: the page shall see what the system says.
      colorScheme: null,
      cwd: home,
      env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', HOME: home, XDG_RUNTIME_DIR: home, DISPLAY: display, ...env },
      timeout: 30_000,
    })
    .catch((thrown: unknown) => {
      rmSync(home, { recursive: true, force: true })
      throw thrown
    })
  const errors: string[] = []
  const child = app.process()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // As the menu's Quit does. Playwright's own close also waits for its debugger to let go, which takes seconds on a busy machine.
  const close = async () => {
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await app.evaluate(({ app: main }) => main.quit()).catch(() => {})
    await gone
    clearTimeout(patience)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const page = await app.firstWindow({ timeout: 20_000 })
    page.on('pageerror', (error) => errors.push(error.message))
    return { app, page, home, errors, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** The words before a command that make it run as that user. */
export function asUser(user: TestUser): string[] {
  return user === 'user' && isRoot ? ['setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups'] : []
}

export function homeOf(user: TestUser): string {
  const home = mkdtempSync(join(tmpdir(), 'livecard-home-'))
  giveTo(user, home)
  return home
}

/** What the app's user has to read or write: a home, a loop device. */
export function giveTo(user: TestUser, path: string): void {
  if (user === 'user' && isRoot) chownSync(path, nobody.uid, nobody.gid)
}

/** The process ids of the helpers below a process, by their program. */
export function helpersBelow(pid: number): number[] {
  const found: number[] = []
  const visit = (parent: number) => {
    const listed = `/proc/${parent}/task/${parent}/children`
    if (!existsSync(listed)) return
    for (const word of readFileSync(listed, 'utf8').split(' ').filter(Boolean)) {
      const child = Number(word)
      const words = readCommand(child)
      const isHelper =
        words.some((part) => part.endsWith('dist/helper/main.js')) || words.includes('--utility-sub-type=node.mojom.NodeService')
      // Not below a helper: what it has just forked still bears its name.
      if (isHelper) found.push(child)
      else visit(child)
    }
  }
  visit(pid)
  return found
}

function readCommand(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
