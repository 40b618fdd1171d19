/** The browser's screens for people with a keyboard only, a screen reader, a narrow window, a large zoom, another language. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { JobPage } from '../support/pages/job-page.ts'
import { PlanPage } from '../support/pages/plan-page.ts'
import { until } from '../support/patience.ts'
import { sampleImage } from '../support/sample-images.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const MiB = 1024 * 1024
const noBrowser = cannotBrowse() ?? false
const noDrive = cannotBrowse() ?? cannotLoop() ?? false
const slow = { timeout: 180_000 }

let browser: Browser
before(async () => {
  if (!noBrowser) browser = await openBrowser()
})
after(() => browser?.close())

/** Every screen in the order of a first write; `look` is called on each. */
async function everyScreen(
  t: TestContext,
  options: WebAppOptions,
  look: (page: Page, screen: string) => Promise<void>,
): Promise<void> {
  const card = withLoop(t, { sizeBytes: 64 * MiB })
  const { page, home } = await openWebApp(t, browser, options)
  const [app, flash, plan, job] = [new AppPage(page), new FlashPage(page), new PlanPage(page), new JobPage(page)]
  sampleImage(home, 16 * MiB)
  await look(page, 'home')
  await app.goTo('list')
  await look(page, 'list')
  await app.showVirtualDrives()
  await look(page, 'settings')
  await app.goTo('drives')
  await page.getByRole('main').getByRole('link').filter({ hasText: card.path }).waitFor()
  await look(page, 'drives')
  await page.getByRole('main').getByRole('link').filter({ hasText: card.path }).click()
  await new CardPage(page).seen()
  await look(page, 'drive')
  await app.goTo('write')
  await look(page, 'write')
  await page.getByRole('button', { name: 'Open a file…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'sample-16-1.img' }).waitFor()
  await look(page, 'browse')
  await page.getByRole('dialog').getByRole('button', { name: 'sample-16-1.img' }).click()
  await flash.image.getByText('On the card').waitFor()
  await flash.chooseDrive(card.path)
  await flash.chooseCardFile(join(home, 'card.img'), '0.03')
  await flash.image.getByRole('button', { name: 'Enter a checksum…' }).click()
  await look(page, 'chosen')
  await flash.showPlan.click()
  await plan.act.waitFor()
  await look(page, 'plan')
  await plan.act.click()
  await plan.confirm.waitFor()
  await look(page, 'confirm')
  await plan.confirm.click()
  await job.ended()
  await look(page, 'result')
  await app.goTo('history')
  await page
    .getByRole('main')
    .getByRole('link', { name: /sample-16-1/ })
    .waitFor()
  await look(page, 'history')
  await app.goTo('check')
  await look(page, 'check')
}

for (const [name, options] of [
  ['light', { theme: 'light' }],
  ['dark', { theme: 'dark' }],
  ['narrow', { width: 320, height: 700 }],
] as const) {
  test(`axe has nothing to say against any screen, ${name}`, { ...slow, skip: noDrive }, (t) =>
    everyScreen(t, options, async (page, screen) => {
      await assertAccessible(page, screen)
      if (screen === 'home') await picture(page, `browser-home-${name}`)
      if (screen === 'chosen' && name === 'dark') await picture(page, 'browser-flash-dark')
    }),
  )
}

for (const [name, options] of [
  ['320 pixels wide', { width: 320, height: 700 }],
  // What a window of 1280 × 800 has left when everything is twice as large.
  ['200 % zoom', { width: 640, height: 400 }],
  ['700 pixels wide', { width: 700, height: 800 }],
  ['900 pixels wide', { width: 900, height: 800 }],
] as const) {
  test(`${name}: nothing has to be scrolled sideways`, { ...slow, skip: noDrive }, (t) =>
    everyScreen(t, options, async (page, screen) => {
      await assertNoSideways(page, screen)
      if (options.width === 320 && screen === 'chosen') await picture(page, 'browser-flash-narrow')
      if (options.width === 320 && screen === 'result') await picture(page, 'browser-result-narrow')
    }),
  )
}

test('with the keyboard alone, from the start to a written card', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 64 * MiB })
  const { page, home } = await openWebApp(t, browser)
  const image = sampleImage(home, 16 * MiB)
  const keys = page.keyboard
  /** Tabs on until the focus is on what is called so. Fails when it went all the way round. */
  const tabTo = async (name: RegExp) => {
    for (let steps = 0; steps < 60; steps++) {
      await keys.press('Tab')
      const focus = await focusOf(page)
      if (!name.test(focus.name)) continue
      assert.ok(focus.ring, `one sees that "${focus.name}" has the focus`)
      return
    }
    assert.fail(`Tab never came to ${name}`)
  }

  await keys.press('Tab')
  assert.equal((await focusOf(page)).name, 'To the content')
  await tabTo(/^Settings/)
  await keys.press('Enter')
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  await tabTo(/^Show virtual drives/)
  await keys.press('Space')
  await tabTo(/^Livecard, to the start/)
  await keys.press('Enter')
  await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
  await tabTo(/^Write a system/)
  await keys.press('Enter')
  await page.getByRole('heading', { name: 'Write a system', level: 1 }).waitFor()
  await tabTo(/^Open a file…/)
  await keys.press('Enter')
  await page.getByRole('dialog').getByText('sample-16-1.img').waitFor()
  await tabTo(/^sample-16-1\.img/)
  await keys.press('Enter')
  await page.getByText('On the card', { exact: true }).waitFor()
  await tabTo(new RegExp(card.path))
  await keys.press('Space')
  await tabTo(/^Show the plan…/)
  await keys.press('Enter')
  await page.getByText('Nothing has been changed yet.').waitFor()
  await tabTo(/^Replace everything on .*…$/)
  await keys.press('Enter')
  const question = page.getByRole('alertdialog')
  await question.waitFor()
  await until(async () => assert.equal((await focusOf(page)).role, 'alertdialog', 'the act is not focused first'))
  await keys.press('Escape')
  await question.waitFor({ state: 'detached' })
  const focusIsBack = async () => assert.match((await focusOf(page)).name, /^Replace everything on .*…$/, 'to where it was')
  await until(focusIsBack)
  await keys.press('Enter')
  await question.waitFor()
  await keys.press('Tab')
  await until(async () => assert.match((await focusOf(page)).name, /^Leave it as it is/, 'the harmless answer comes first'))
  await tabTo(/^Replace everything on /)
  await keys.press('Enter')
  await new JobPage(page).ended()
  assert.ok(
    readFileSync(card.backing)
      .subarray(0, 16 * MiB)
      .equals(readFileSync(image)),
  )
})

test('the browsing dialog keeps the focus while one walks through folders', { ...slow, skip: noBrowser }, async (t) => {
  const { page, home } = await openWebApp(t, browser)
  sampleImage(home, 8 * MiB)
  await new AppPage(page).goTo('write')
  await page.getByRole('button', { name: 'Open a file…' }).press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByText(basename(home)).waitFor()
  await dialog.getByRole('button', { name: 'Up one folder' }).press('Enter')
  await dialog.getByRole('button', { name: basename(home) }).press('Enter')
  await dialog.getByText('sample-8-1.img').waitFor()
  await page.keyboard.press('Tab')
  await dialog.locator(':focus').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  // The focus goes back with the next frame.
  await page.getByRole('button', { name: 'Open a file…' }).and(page.locator(':focus')).waitFor()
})

test('German, once it is chosen, from the plan to the result', { ...slow, skip: noBrowser }, async (t) => {
  const { page, home } = await openWebApp(t, browser, { language: 'de-AT', theme: 'dark' })
  await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor()
  sampleImage(home, 8 * MiB)
  await new AppPage(page).goTo('settings')
  await page.getByText('Deutsch, nicht vollständig').click()
  await page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de')
  await new AppPage(page).goTo('write')
  await page.getByRole('button', { name: 'Datei öffnen…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'sample-8-1.img' }).click()
  await page.getByText('Kartendatei, zum Üben').click()
  await page.getByRole('textbox', { name: 'So groß wie' }).fill('64 MB')
  await page.getByRole('button', { name: 'Plan ansehen…' }).click()
  await page.getByText('Zu sample-8-1.img ist keine Prüfsumme bekannt').waitFor()
  await page.getByText('Alles Geschriebene zurücklesen und vergleichen.').waitFor()
  await picture(page, 'browser-plan-german')
  await page.getByRole('button', { name: /…$/ }).click()
  await page.getByRole('alertdialog').getByRole('button').last().click()
  await page.getByText('Jedes geschriebene Byte wurde zurückgelesen').waitFor({ timeout: 60_000 })
})

test('the look that was chosen stays after a reload', { ...slow, skip: noBrowser }, async (t) => {
  const { page } = await openWebApp(t, browser, { theme: 'light' })
  await new AppPage(page).goTo('settings')
  await page.getByText('Dark', { exact: true }).click()
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
  await page.reload()
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
})

/** What has the focus, as it is called, and whether its ring can be seen. A box that is drawn by its label has the ring there. */
async function focusOf(page: Page): Promise<{ name: string; role: string | null; ring: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element) return { name: '', role: null, ring: false }
    const label = element.closest('label')
    const drawn = [element, label].filter((one) => one !== null)
    const ring = drawn.some((one) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(one)
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
    })
    const text = element.getAttribute('aria-label') ?? (label ?? element).textContent ?? ''
    return { name: text.trim(), role: element.getAttribute('role'), ring }
  })
}
