/** The desktop app as a whole, in a real Electron: once as root and once as an ordinary user with Chromium's full sandbox. */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import type { Drive } from '../../native-helpers/contract.ts'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { type Display, openDisplay } from '../support/display.ts'
import { giveTo, helpersBelow, launchApp, type OpenedApp, type StagedApp, stageApp, testUsers } from '../support/electron-app.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { PlanPage } from '../support/pages/plan-page.ts'
import { until } from '../support/patience.ts'

const screenshots = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
mkdirSync(screenshots, { recursive: true })

let display: Display
let staged: StagedApp

before(async () => {
  display = await openDisplay()
  staged = await stageApp()
})
after(async () => {
  await display?.close()
  staged?.remove()
})

/** Every test has an app of its own, and none ends with an error in the page. */
async function withApp(user: (typeof testUsers)[number], use: (opened: OpenedApp) => Promise<void>): Promise<void> {
  const opened = await launchApp(staged, { user, display: display.name })
  try {
    await use(opened)
    assert.deepEqual(opened.errors, [])
  } finally {
    await opened.close()
  }
}

/** Chromium writes its command anew when it starts, and for a moment there is none. */
async function commandOf(pid: number): Promise<string> {
  let command = ''
  await until(async () => {
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    assert.notEqual(command.replaceAll('\0', ''), '')
  })
  return command
}

for (const user of testUsers) {
  describe(`as ${user === 'root' ? 'root' : 'an ordinary user'}`, () => {
    test('the window opens and shows what the user can do', { timeout: 60_000 }, () =>
      withApp(user, async ({ app, page }) => {
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        assert.equal(page.url(), 'livecard://app/')
        assert.match(await page.title(), /Livecard$/)
        assert.equal(app.windows().length, 1)
      }),
    )

    test('it lists the same drives as the helper does by itself', { timeout: 60_000 }, () =>
      withApp(user, async ({ page }) => {
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        const frame = new AppPage(page)
        await frame.showVirtualDrives()
        await frame.goTo('drives')
        await page.getByRole('heading', { name: 'Cards and sticks', exact: true, level: 1 }).waitFor()
        // Other tests plug in and pull out while this one looks.
        await until(async () => {
          const expected = pathsOf(await listDrives())
          assert.deepEqual(pathsOf(await drivesOf(page)), expected)
          const shown = await page.locator('main').innerText()
          assert.deepEqual(
            expected.filter((path) => !shown.includes(path)),
            [],
          )
        })
      }),
    )

    test('it writes an image to a drive, and the bytes are there', { timeout: 60_000 }, async (t) => {
      const missing = cannotLoop()
      if (missing) return t.skip(missing)
      const content = randomFillSync(Buffer.alloc(6 * 1024 * 1024 + 512))
      const card = withLoop(t, { sizeBytes: 64 * 1024 * 1024 })
      const owner = statSync(card.path)
      t.after(() => chownSync(card.path, owner.uid, owner.gid))
      giveTo(user, card.path)
      await withApp(user, async (opened) => {
        const { page, home } = opened
        const image = join(home, 'system.img.gz')
        writeFileSync(image, gzipSync(content, { level: 1 }))
        giveTo(user, image)
        await flash(opened, image, card.path)
        await page.getByRole('heading', { name: /^system is on / }).waitFor({ timeout: 30_000 })
        await page.screenshot({ path: join(screenshots, `electron-written-as-${user}.png`) })
      })
      assert.ok(readFileSync(card.backing).subarray(0, content.length).equals(content))
    })

    test('it knows where a file lies that was dropped on it', { timeout: 60_000 }, () =>
      withApp(user, async ({ page, home }) => {
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        const path = join(home, 'dropped.img')
        writeFileSync(path, 'image')
        const input = await page.evaluateHandle(() => Object.assign(document.createElement('input'), { type: 'file' }))
        await input.setInputFiles(path)
        const known = await input.evaluate((element) => element.files?.[0] && window.livecard?.pathOfDroppedFile(element.files[0]))
        assert.equal(known, path)
        const made = await page.evaluate(() => window.livecard?.pathOfDroppedFile(new File(['x'], 'made.img')))
        assert.equal(made, null)
      }),
    )

    test('the helper dies: the window says so, and it can be started again', { timeout: 60_000 }, () =>
      withApp(user, async ({ app, page }) => {
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        const [helper, ...others] = helpersBelow(app.process().pid ?? 0)
        assert.ok(helper !== undefined && others.length === 0)
        process.kill(helper, 'SIGKILL')
        const alert = page.getByRole('alert').filter({ hasText: 'The part of Livecard that talks to drives has stopped' })
        await alert.waitFor()
        assert.match(await alert.innerText(), /SIGKILL/)
        assert.match(await alert.innerText(), /No card was being written/)
        await page.screenshot({ path: join(screenshots, `electron-helper-gone-as-${user}.png`) })
        await page.getByRole('button', { name: 'Start again' }).click()
        await alert.waitFor({ state: 'detached' })
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        assert.ok(pathsOf(await drivesOf(page)).length > 0)
        assert.equal(helpersBelow(app.process().pid ?? 0).length, 1)
      }),
    )

    test('the page is in the sandbox that this user can have', { timeout: 60_000 }, () =>
      withApp(user, async ({ app, page }) => {
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        const pid = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0)
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        const command = await commandOf(pid)
        const ownNamespace = readlinkSync('/proc/self/ns/pid') !== readlinkSync(`/proc/${pid}/ns/pid`)
        if (user === 'root') {
          assert.ok(command.includes('--no-sandbox'))
          return
        }
        assert.ok(!command.includes('--no-sandbox'))
        assert.match(status, /^Seccomp:\t2$/m)
        assert.match(status, /^NoNewPrivs:\t1$/m)
        assert.match(status, /^CapEff:\t0+$/m)
        assert.ok(ownNamespace)
      }),
    )
  })
}

describe('how it looks', () => {
  for (const [name, theme, width] of [
    ['light', 'light', 1120],
    ['dark', 'dark', 1120],
    ['narrow', 'light', 400],
  ] as const) {
    test(`a picture of the ${name} window`, { timeout: 60_000 }, () =>
      withApp(testUsers[0] ?? 'user', async ({ app, page }) => {
        await app.evaluate(
          ({ BrowserWindow, nativeTheme }, wanted) => {
            nativeTheme.themeSource = wanted.theme
            BrowserWindow.getAllWindows()[0]?.setContentSize(wanted.width, 760)
          },
          { theme, width },
        )
        await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
        await page.waitForFunction((wanted) => innerWidth === wanted, width)
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme)
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
        await page.screenshot({ path: join(screenshots, `electron-${name}.png`) })
      }),
    )
  }
})

function pathsOf(drives: readonly Drive[]): string[] {
  return drives.map((drive) => drive.identity.path).sort()
}

/** Asks over the page's own bridge, as the interface does. */
async function drivesOf(page: Page): Promise<Drive[]> {
  return page.evaluate(
    () =>
      new Promise<Drive[]>((resolve, reject) => {
        const { channel } = window.livecard ?? {}
        const id = 900_001
        const end = channel?.onMessage((message) => {
          const reply = message as { id?: number; ok?: boolean; value?: Drive[] }
          if (reply.id !== id) return
          end?.()
          if (reply.ok && reply.value) resolve(reply.value)
          else reject(new Error(JSON.stringify(reply)))
        })
        channel?.send({ id, call: 'drives.list', params: {} })
      }),
  )
}

/** The three decisions, and the last question. The file dialog is the system's, so its answer is given here. */
async function flash({ app, page }: OpenedApp, image: string, drive: string): Promise<void> {
  await app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] })
  }, image)
  const [frame, choice, plan] = [new AppPage(page), new FlashPage(page), new PlanPage(page)]
  await frame.heading.waitFor()
  await frame.showVirtualDrives()
  await frame.goTo('write')
  await page.getByRole('button', { name: 'Open a file…' }).click()
  await choice.image.getByText('On the card').waitFor()
  await choice.chooseDrive(drive)
  await choice.showPlan.click()
  await plan.goThrough()
}
