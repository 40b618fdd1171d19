/** Enlarging in the browser: the slider knows the room, the keyboard and a number do the same, and the card is larger afterwards. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { growingOnCard } from '../../native-helpers/jobs/change.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const cannot = cannotBrowse() ?? (hasModules() ? false : 'this tree was built without the tools in WebAssembly')
const slow = { timeout: 180_000, skip: cannot }

let browser: Browser
before(async () => {
  if (!cannot) browser = await openBrowser()
})
after(() => browser?.close())

async function desk(t: TestContext, cardId: string, options?: WebAppOptions) {
  const { page, home } = await openWebApp(t, browser, options)
  const { path } = await makePracticeCard(cardId, home, { ifThere: 'leave' })
  const [app, card, change] = [new AppPage(page), new CardPage(page), new ChangePage(page)]
  const slider = page.getByRole('slider', { name: /^New size/ })
  const number = page.getByRole('textbox', { name: 'Or as a number' })
  return { page, path, app, card, change, slider, number }
}

test('a stick gets more room: by the keyboard, by a number, as large as it can be, and then for real', slow, async (t) => {
  const { page, path, card, change, slider, number } = await desk(t, 'liveos-healthy')
  const [overlay] = await growingOnCard(path, null)
  assert.ok(overlay)
  await card.open(basename(path))
  await page.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Enlarge…' }).click()
  await slider.waitFor()
  const spoken = () => slider.getAttribute('aria-valuetext')
  assert.ok(await change.showPlan.isDisabled(), 'as it is, there is nothing to plan')
  await slider.focus()
  await page.keyboard.press('End')
  assert.match((await spoken()) ?? '', /, 0\sbytes stay free$/)
  assert.ok(await page.getByRole('button', { name: 'As large as it can be' }).isDisabled())
  await page.keyboard.press('Home')
  await page.keyboard.press('PageUp')
  await page.keyboard.press('ArrowRight')
  const value = Number(await slider.inputValue())
  assert.ok(value > 1 && value < Number(await slider.getAttribute('max')))
  await page.getByText('more is not free on the stick').waitFor()
  await assertAccessible(page, 'enlarge')
  await picture(page, 'enlarge-light')

  const about = async (text: string) => {
    await number.fill(text)
    return page.locator('.grow-number').innerText()
  }
  assert.match(await about('9 TB'), /There is room for .*GB at most/)
  assert.ok(await change.showPlan.isDisabled())
  assert.match(await about('1 MB'), /It can only grow/)
  assert.match(await about('much'), /This is no size/)
  // 514 chunks more than a whole number of areas and one.
  await number.fill(`${(Math.ceil(700e6 / 4096 / 257) * 257 + 1) * 4096} bytes`)
  await page.getByText('4 KiB less than asked for').waitFor()
  await number.fill('700 MB')
  await page.getByText('4 KiB less than asked for').waitFor({ state: 'detached' })
  assert.match((await spoken()) ?? '', /^700\sMB, 163\sMB more than now/)

  await change.showPlan.click()
  await change.planned()
  await change.part('What will be done').getByText('to 700 MB').waitFor()
  await page.goBack()
  await slider.waitFor()
  await page.goForward()
  await change.planned()
  await change.goThrough()
  await change.outcome.getByText('Enlarged, and nothing wrong was found afterwards.').waitFor()
  await page.getByRole('link', { name: 'Take it back…' }).waitFor()
  const [grown] = await growingOnCard(path, null)
  assert.equal(grown?.nowBytes, Math.floor(700e6 / 4096) * 4096)

  // What was asked for is forgotten once it is done: the way back leads to the choice.
  await page.goBack()
  await slider.waitFor()
  await page.getByText('LiveOS/home.img').click()
  await page.getByRole('slider', { name: /^New size: Home/ }).waitFor()
  await number.fill('max')
  await change.showPlan.click()
  await change.planned()
  await change.part('What will be done').getByText('the filesystem in it takes the new room').waitFor()
})

test('where there is no room it says so, and a reload of the plan asks again how large', slow, async (t) => {
  const { page, path, app, change } = await desk(t, 'lampone-healthy')
  const writtenAt = statSync(path).mtimeMs
  await app.goTo(`enlarge/plan/${encodeURIComponent(path)}`)
  await page.getByText('has all the room that there is').waitFor()
  await page.getByText('there is no room behind it').waitFor()
  assert.ok(await change.showPlan.isDisabled())
  assert.match(page.url(), /#\/enlarge\/%2F/)
  assert.equal(statSync(path).mtimeMs, writtenAt)
})

test('enlarging, dark and 320 pixels wide: all of it can be read and reached, by touch too', slow, async (t) => {
  const { page, path, app, slider } = await desk(t, 'liveos-healthy', { theme: 'dark', width: 320, height: 700 })
  await app.goTo(`enlarge/${encodeURIComponent(path)}`)
  await slider.waitFor()
  const box = await slider.boundingBox()
  assert.ok(box && box.height >= 40)
  await page.mouse.click(box.x + box.width * 0.7, box.y + box.height / 2)
  assert.ok(Number(await slider.inputValue()) > 50)
  await assertAccessible(page, 'enlarge, dark')
  await assertNoSideways(page, 'enlarge, 320')
  await page.setViewportSize({ width: 640, height: 400 })
  await assertNoSideways(page, 'enlarge, 200 %')
})
