/** The app as a user of a browser has it: the real `livecard serve`, and Debian's Chromium looking at it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { bundle } from '../../build/bundle.ts'

const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
const screenshots = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Why there can be no browser here, or null. */
export function cannotBrowse(): string | null {
  return programs.some((program) => existsSync(program)) ? null : 'no Chromium is installed'
}

/** One for all tests of a file; every test has a server, a home and a window of its own. */
export async function openBrowser(): Promise<Browser> {
  await bundle({ production: false })
  const root = process.getuid?.() === 0
  return chromium.launch({
    executablePath: programs.find((program) => existsSync(program)) ?? '',
    args: ['--disable-dev-shm-usage', ...(root ? ['--no-sandbox'] : [])],
  })
}

export interface WebApp {
  page: Page
  /** The user's home, where the browsing dialog begins. */
  home: string
  server: ChildProcess
  /** Ends the server as a crash does. */
  kill(): Promise<void>
}

export interface WebAppOptions {
  width?: number
  height?: number
  theme?: 'light' | 'dark'
  language?: string
  /** Another home than an empty one of its own; the caller removes it. */
  home?: string
  /** What the test itself brings about, and the console says. */
  expectedErrors?: RegExp
}

export async function openWebApp(t: TestContext, browser: Browser, options: WebAppOptions = {}): Promise<WebApp> {
  const { width = 1280, height = 860, theme = 'light', language = 'en-GB', expectedErrors } = options
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'livecard-web-home-'))
  const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'serve', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HOME: home, XDG_STATE_HOME: join(home, '.state'), LC_ALL: 'C.UTF-8' },
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: language,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  t.after(async () => {
    if ('passed' in t && t.passed === false)
      await picture(page, `failed-${t.name.replace(/\W+/g, '-').slice(0, 60)}`).catch(() => {})
    await context.close()
    server.kill('SIGTERM')
    await ended
    if (options.home === undefined) rmSync(home, { recursive: true, force: true })
    const unexpected = complaints.filter((text) => !expectedErrors?.test(text))
    assert.deepEqual(unexpected, [], 'the page complained')
  })

  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  // A breach of the content security policy is a message of the console and nothing else.
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(await linkOf(server))
  await page.getByRole('heading', { level: 1 }).waitFor()
  const kill = async () => {
    server.kill('SIGKILL')
    await ended
  }
  return { page, home, server, kill }
}

async function linkOf(server: ChildProcess): Promise<string> {
  assert.ok(server.stdout)
  for await (const line of createInterface({ input: server.stdout })) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url === undefined) throw new Error(`livecard serve said: ${line}`)
    return url
  }
  throw new Error('livecard serve ended before it printed an address')
}

/** For people: what this test saw. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true })
  await page.screenshot({ path: join(screenshots, `${name}.png`) })
}
