/** Looking at a card in the desktop's window, where a drop has a place, the clipboard is asked by selection, and the helper has the user's rights only. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { cannotLoop, loopOf } from '../support/devices.ts'
import { type Display, openDisplay } from '../support/display.ts'
import {
  giveTo,
  isRoot,
  launchApp,
  type OpenedApp,
  type StagedApp,
  stageApp,
  type TestUser,
  testUsers,
} from '../support/electron-app.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { until } from '../support/patience.ts'
import { makePlainCard, noteErrors, plainCardTools } from '../support/plain-card.ts'
import { missingTools, testFolder } from '../support/tools.ts'

const screenshots = fileURLToPath(new URL('../output/screenshots/', import.meta.url))
const noCard = missingTools(...plainCardTools) ?? false
const limit = { timeout: 90_000, skip: noCard }

let display: Display
let staged: StagedApp
before(async () => {
  if (noCard) return
  mkdirSync(screenshots, { recursive: true })
  display = await openDisplay()
  staged = await stageApp()
})
after(async () => {
  await display?.close()
  staged?.remove()
})

async function withApp(user: TestUser, use: (opened: OpenedApp) => Promise<void>): Promise<void> {
  const opened = await launchApp(staged, { user, display: display.name })
  try {
    await use(opened)
    assert.deepEqual(opened.errors, [])
  } finally {
    await opened.close()
  }
}

/** A drop as the page sees it; that a file from outside carries its place is the bridge's part, tested with it. */
async function drop(page: Page, path: string): Promise<void> {
  const input = await page.evaluateHandle(() => Object.assign(document.createElement('input'), { type: 'file' }))
  await input.setInputFiles(path)
  await input.evaluate((element) => {
    const [file] = element.files ?? []
    const data = new DataTransfer()
    if (file) data.items.add(file)
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  })
}

for (const user of testUsers) {
  test(`as ${user}: a dropped card image is looked at, and its report is on the clipboard`, limit, (t) =>
    withApp(user, async ({ app, page, home }) => {
      const image = join(home, 'plain.img')
      copyFileSync(makePlainCard(testFolder(t)), image)
      noteErrors(image)
      giveTo(user, image)
      await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
      await drop(page, image)
      await page.getByRole('dialog').getByText('What is to be done with plain.img?').waitFor()
      await page.getByRole('button', { name: 'Look what is in it' }).click()
      const card = new CardPage(page)
      await card.seen()
      await card.finding('A Linux filesystem notes that errors were found in it.').waitFor()
      await page.screenshot({ path: join(screenshots, `electron-card-as-${user}.png`) })
      await app.evaluate(({ clipboard }) => clipboard.writeText('before'))
      await page.getByRole('button', { name: 'Copy report' }).click()
      await page.getByText('The report is on the clipboard.').waitFor()
      await until(async () => {
        const text = await app.evaluate(({ clipboard }) => clipboard.readText())
        assert.match(text, /^Livecard report on plain\.img/)
        assert.ok(text.includes('[ext-errors]') && text.includes(image))
      })
    }),
  )
}

test(
  'a drive that this user may not read: nothing is read unasked, and the refusal is told in three parts',
  {
    ...limit,
    skip: noCard || (isRoot ? (cannotLoop() ?? false) : 'only root can make a drive that others may not read'),
  },
  (t) =>
    withApp('user', async ({ page }) => {
      const drive = loopOf(t, makePlainCard(testFolder(t)))
      const app = new AppPage(page)
      await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
      await app.showVirtualDrives()
      await app.sideLine(basename(drive.path)).click()
      await page.getByText('Not looked at yet').waitFor()
      await page.getByText('Your system may ask for your password').waitFor()
      await page.getByRole('button', { name: 'Look inside' }).click()
      const alert = page.getByRole('alert')
      await alert.getByText('What to do now').waitFor({ timeout: 60_000 })
      await alert.getByRole('button', { name: 'Look again' }).waitFor()
      await page.screenshot({ path: join(screenshots, 'electron-card-refused.png') })
      assert.equal(await page.locator('.health').count(), 0)
      await page.getByText('Exact size').waitFor()
    }),
)
