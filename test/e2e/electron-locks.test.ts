/** What a page in the window may not do, even if somebody else's code ran in it. Each lock is tried in a real Electron. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Display, openDisplay } from '../support/display.ts'
import { launchApp, type OpenedApp, type StagedApp, stageApp } from '../support/electron-app.ts'

let display: Display
let staged: StagedApp
/** A page elsewhere that counts who comes. */
let elsewhere: Server
let visits = 0
let foreign: string

before(async () => {
  elsewhere = createServer((_request, response) => {
    visits++
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.end('<title>elsewhere</title>')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  foreign = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
  display = await openDisplay()
  staged = await stageApp()
})
after(async () => {
  elsewhere?.close()
  await display?.close()
  staged?.remove()
})

async function withApp(use: (opened: OpenedApp) => Promise<void>): Promise<void> {
  const opened = await launchApp(staged, { user: 'user', display: display.name })
  try {
    await opened.page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
    visits = 0
    await use(opened)
    assert.equal(visits, 0, 'a request left the app')
  } finally {
    await opened.close()
  }
}

const limit = { timeout: 60_000 }

test('the page has no Node and no Electron, only the verbs of the bridge', limit, () =>
  withApp(async ({ page }) => {
    const seen = await page.evaluate(() => {
      const world = globalThis as Record<string, unknown>
      return {
        types: ['require', 'process', 'module', 'exports', 'global', 'Buffer', 'electron', 'ipcRenderer', '__dirname'].map(
          (name) => typeof world[name],
        ),
        verbs: Object.keys(window.livecard ?? {}).sort(),
        channel: Object.keys(window.livecard?.channel ?? {}).sort(),
      }
    })
    assert.ok(seen.types.every((type) => type === 'undefined'))
    assert.deepEqual(seen.verbs, ['channel', 'pathOfDroppedFile', 'pickImage', 'pickSavePlace', 'setProgress'])
    assert.deepEqual(seen.channel, ['onClose', 'onMessage', 'send'])
    const replaced = await page.evaluate(() => {
      try {
        Object.assign(window, { livecard: null })
      } catch {
        // Refused loudly is as good as refused silently.
      }
      return window.livecard === null
    })
    assert.equal(replaced, false)
  }),
)

test('it cannot be led to another address', limit, () =>
  withApp(async ({ page }) => {
    let left = 0
    page.on('framenavigated', () => left++)
    for (const address of [
      foreign,
      'file:///etc/passwd',
      'data:text/html,<p>x',
      'livecard://other/',
      'javascript:document.title="x"',
    ]) {
      await page.evaluate((to) => {
        location.assign(to)
        const link = document.createElement('a')
        link.href = to
        const form = document.createElement('form')
        form.action = to
        document.body.append(link, form)
        link.click()
        form.submit()
        link.remove()
        form.remove()
      }, address)
      await page.waitForTimeout(200)
    }
    assert.equal(left, 0)
    // Electron does not ask before this one; the window comes back by itself.
    await page.evaluate(() => location.assign('about:blank'))
    await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
    assert.equal(page.url(), 'livecard://app/')
    assert.match(await page.title(), /Livecard$/)
  }),
)

test('it opens no other window', limit, () =>
  withApp(async ({ app, page }) => {
    const opened = await page.evaluate(
      (to) => [to, 'about:blank', 'livecard://app/', ''].map((address) => window.open(address)),
      foreign,
    )
    await page.evaluate((to) => {
      const link = document.createElement('a')
      link.href = to
      link.target = '_blank'
      document.body.append(link)
      link.click()
    }, foreign)
    await page.waitForTimeout(300)
    assert.deepEqual(opened, [null, null, null, null])
    assert.equal(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length), 1)
  }),
)

test('every permission is refused', limit, () =>
  withApp(async ({ page }) => {
    const answers = await page.evaluate(async () => {
      const name = (thrown: unknown) => (thrown instanceof Error ? thrown.name : String(thrown))
      const states = await Promise.all(
        ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'midi'].map((permission) =>
          navigator.permissions.query({ name: permission as PermissionName }).then((status) => status.state, name),
        ),
      )
      return {
        states,
        position: await new Promise<number>((resolve) =>
          navigator.geolocation.getCurrentPosition(
            () => resolve(0),
            (error) => resolve(error.code),
          ),
        ),
        notification: await Notification.requestPermission(),
        camera: await navigator.mediaDevices.getUserMedia({ video: true }).then(() => 'given', name),
        clipboard: await navigator.clipboard.readText().then(() => 'given', name),
        midi: await navigator.requestMIDIAccess().then(() => 'given', name),
      }
    })
    assert.deepEqual(answers.states, Array(6).fill('denied'))
    assert.equal(answers.position, 1)
    assert.equal(answers.notification, 'denied')
    for (const answer of [answers.camera, answers.clipboard, answers.midi])
      assert.match(answer, /NotAllowedError|SecurityError|NotFoundError/)
  }),
)

test('its policy refuses foreign and local files, inline code, eval, frames and plugins', limit, () =>
  withApp(async ({ page }) => {
    const refused = await page.evaluate(async (to) => {
      const violated = new Set<string>()
      document.addEventListener('securitypolicyviolation', (event) => violated.add(event.effectiveDirective))
      const put = (name: string, set: Record<string, string>) => {
        const element = Object.assign(document.createElement(name), set)
        document.body.append(element)
      }
      put('script', { src: `${to}x.js` })
      put('script', { textContent: 'window.broken = true' })
      put('link', { rel: 'stylesheet', href: `${to}x.css` })
      put('style', { textContent: 'body { display: none }' })
      put('img', { src: `${to}x.png` })
      put('img', { src: 'file:///usr/share/pixmaps/debian-logo.png' })
      put('iframe', { src: to })
      put('object', { data: to })
      // Later, because the debugger that runs this test lifts the policy while it evaluates.
      const evaluated = await new Promise<string>((resolve) =>
        setTimeout(() => {
          try {
            resolve(`ran: ${new Function('return 1 + 1')()}`)
          } catch (thrown) {
            resolve(thrown instanceof Error ? thrown.name : String(thrown))
          }
        }),
      )
      const fetched = await Promise.all(
        [to, 'file:///etc/hostname', 'livecard://app/app.js'].map((address) =>
          fetch(address).then(
            () => 'fetched',
            () => 'refused',
          ),
        ),
      )
      try {
        new WebSocket(to.replace('http', 'ws'))
      } catch {
        // Some versions throw, some only report.
      }
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { violated: [...violated].sort(), evaluated, fetched, broken: 'broken' in window }
    }, foreign)
    assert.deepEqual(refused.fetched, ['refused', 'refused', 'refused'])
    assert.equal(refused.evaluated, 'EvalError')
    assert.equal(refused.broken, false)
    for (const directive of [
      'connect-src',
      'frame-src',
      'img-src',
      'object-src',
      'script-src',
      'script-src-elem',
      'style-src-elem',
    ]) {
      assert.ok(refused.violated.includes(directive), `${directive} is not among ${refused.violated}`)
    }
  }),
)

test('a message from a frame or window that is not the app is dropped', limit, () =>
  withApp(async ({ app, page }) => {
    const framed = await page.evaluate(() => {
      const frame = document.createElement('iframe')
      document.body.append(frame)
      return typeof (frame.contentWindow as Window | null)?.livecard
    })
    assert.equal(framed, 'undefined')

    await app.evaluate(async ({ app: main, BrowserWindow, dialog }) => {
      Object.assign(globalThis, { dialogs: 0 })
      dialog.showOpenDialog = () => {
        Object.assign(globalThis, { dialogs: 1 })
        return Promise.resolve({ canceled: false, filePaths: ['/etc/passwd'] })
      }
      dialog.showSaveDialog = (...given: unknown[]) => {
        Object.assign(globalThis, { dialogs: 1 })
        const { defaultPath = '' } = given.at(-1) as { defaultPath?: string }
        return Promise.resolve({ canceled: false, filePath: `/home/${defaultPath}` })
      }
      // The worst case: a second window with the very same preload, showing the very same page.
      const preload = `${main.getAppPath()}/dist/electron/preload.cjs`
      const other = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } })
      await other.loadURL('livecard://app/')
    })
    const stranger = app.windows().find((window) => window !== page)
    assert.ok(stranger)
    const answers = await stranger.evaluate(async () => {
      let heard = 0
      window.livecard?.channel.onMessage(() => heard++)
      window.livecard?.channel.send({ id: 1, call: 'hello', params: {} })
      window.livecard?.setProgress?.(0.5)
      const picked = await window.livecard?.pickImage().catch(() => 'refused')
      const saved = await window.livecard?.pickSavePlace('a.tar').catch(() => 'refused')
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { heard, picked, saved }
    })
    assert.deepEqual(answers, { heard: 0, picked: 'refused', saved: 'refused' })
    assert.equal(await app.evaluate(() => (globalThis as { dialogs?: number }).dialogs), 0)
    assert.equal(await page.evaluate(() => window.livecard?.pickImage()), '/etc/passwd')
    assert.equal(await page.evaluate(() => window.livecard?.pickSavePlace('a.tar')), '/home/a.tar')
  }),
)

test('nothing but its own files is loaded, and no way leads out of their folder', limit, () =>
  withApp(async ({ app }) => {
    const loaded = await app.evaluate(async ({ BrowserWindow }, to) => {
      const found: Record<string, string> = {}
      const addresses = [
        to,
        'file:///etc/passwd',
        'livecard://app/../../package.json',
        'livecard://app/%2e%2e/%2e%2e/package.json',
        'livecard://app/..%2f..%2fpackage.json',
        'livecard://app//etc/passwd',
        'livecard://other/index.html',
      ]
      for (const address of addresses) {
        const window = new BrowserWindow({ show: false, webPreferences: { sandbox: true } })
        found[address] = await window.loadURL(address).then(
          () => window.webContents.executeJavaScript('document.body.innerText'),
          (error: Error) => `refused ${error.message.split(' ')[0]}`,
        )
        window.destroy()
      }
      return found
    }, foreign)
    for (const [address, text] of Object.entries(loaded)) assert.match(text, /^(There is nothing here\.|refused ERR_\w+)$/, address)
    assert.match(loaded[foreign] ?? '', /^refused/)
    assert.match(loaded['file:///etc/passwd'] ?? '', /^refused/)
  }),
)

test('a second start shows the window that is there', limit, () =>
  withApp(async ({ app, page, home }) => {
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize())
    const second = await launchApp(staged, {
      user: 'user',
      display: display.name,
      env: { HOME: home, XDG_RUNTIME_DIR: home },
    }).then(
      async (opened) => {
        await opened.close()
        return 'a window'
      },
      () => 'none',
    )
    assert.equal(second, 'none')
    assert.ok(await page.evaluate(() => document.title))
    assert.equal(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isMinimized()), false)
  }),
)
