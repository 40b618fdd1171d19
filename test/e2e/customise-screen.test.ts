/** Giving a card settings in the browser, against the real helper and a practice card. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { Report } from '../../native-helpers/contract.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { isPassword } from '../../native-helpers/systems/sha-crypt.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { furnish } from '../support/furnished.ts'
import { makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { JobPage } from '../support/pages/job-page.ts'
import { PlanPage } from '../support/pages/plan-page.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const cannot =
  cannotBrowse() ??
  missingTools('debugfs', 'e2fsck') ??
  (hasModules() ? false : 'this tree was built without the tools in WebAssembly')
const slow = { timeout: 180_000, skip: cannot }
const password = 'correct horse battery'

let browser: Browser
before(async () => {
  if (!cannot) browser = await openBrowser()
})
after(() => browser?.close())

async function desk(t: TestContext, options?: WebAppOptions) {
  const web = await openWebApp(t, browser, options)
  const { page, home } = web
  const { path } = await makePracticeCard('lampone-published-password', home, { ifThere: 'leave' })
  return { ...web, path, app: new AppPage(page), card: new CardPage(page), change: new ChangePage(page) }
}

async function persistenceOf(path: string): Promise<string> {
  const { stdout } = await runCli(['inspect', '--json', path])
  const { partitions } = JSON.parse(stdout) as Report
  return `${path}?offset=${partitions.find(({ number }) => number === 4)?.start}`
}

test('from the public password to one of your own: form, plan, yes, and what is on the card', slow, async (t) => {
  const { page, home, path, card, change, app } = await desk(t)
  await card.open('lampone-published-password.img')
  await card.finding('is the published one').getByRole('button', { name: 'Customise…' }).click()
  await app.heading.filter({ hasText: 'Customise lampone-published-password.img' }).waitFor()
  await assertAccessible(page, 'customise')
  await picture(page, 'customise-light')

  // Nothing is asked for yet.
  await change.showPlan.click()
  await page.getByText('Nothing is filled in yet.').waitFor()

  const field = (name: string) => page.getByRole('textbox', { name, exact: true })
  const secret = (name: string) => page.getByLabel(name, { exact: true })
  assert.equal(await secret('New password').getAttribute('type'), 'password')
  await secret('New password').fill('password')
  await secret('The same again').fill('pasword')
  await field('User name').fill('Anna')
  await field('Fixed address').fill('192.168.1.20')
  await field('Fixed address').blur()
  await page.getByText('An address has its prefix behind it').waitFor()
  assert.equal(await page.getByText('A user name begins with a small letter').count(), 1)
  await change.showPlan.click()
  await page.getByText('4 fields need another look.').waitFor()
  await page.getByText('This is the password that the published images come with').waitFor()
  await page.getByText('The two passwords are not the same.').waitFor()
  assert.equal(
    await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid')),
    'true',
    'the first one has the focus',
  )
  await assertAccessible(page, 'customise, wrong')
  await picture(page, 'customise-wrong')

  await secret('New password').fill(password)
  await secret('The same again').fill(password)
  await field('User name').fill('anna')
  await secret('Password of the user').fill('another long one')
  await secret('The same once more').fill('another long one')
  await page.getByText('May do everything').click()
  await field('Computer name').fill('workshop')
  await field('Name of the network').fill('Café 5G')
  await secret('Password of the network').fill('wireless secret')
  await field('Fixed address').fill('192.168.1.20/24')
  await field('Gateway').fill('192.168.1.1')
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Atlantis')
  await change.showPlan.click()
  await page.getByText('The system knows no time zone "Europe/Atlantis".').waitFor({ timeout: 60_000 })
  await page.goBack()
  assert.equal(await field('User name').inputValue(), 'anna', 'what was filled in is still there')
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin')
  await change.showPlan.click()
  await change.planned()
  const steps = await change.part('What will be done').innerText()
  assert.match(steps, /its password will be set/)
  assert.match(steps, /A user anna with a home folder is made/)
  assert.equal(/correct horse|another long|wireless secret/.test(await page.content()), false, 'no secret stands on the plan')
  await assertAccessible(page, 'plan of settings')
  await picture(page, 'customise-plan')
  const writtenAt = statSync(path).mtimeMs
  await page.waitForTimeout(50)
  assert.equal(statSync(path).mtimeMs, writtenAt)
  await change.goThrough()
  await change.outcome.getByText('The settings are on the card, and nothing wrong was found afterwards.').waitFor()
  await picture(page, 'customise-done')

  const volume = await persistenceOf(path)
  tool('e2fsck', ['-f', '-n', volume])
  const text = (name: string) => tool('debugfs', ['-R', `cat /rw/${name}`, volume])
  assert.equal(text('etc/hostname'), 'workshop\n')
  assert.equal(isPassword(/^root:([^:]+)/m.exec(text('etc/shadow'))?.[1] ?? '', password), true)
  assert.match(text('etc/group'), /^sudo:x:27:user,anna$/m)
  const state = readdirSync(join(home, '.state'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const { parentPath, name } of state)
    assert.equal(readFileSync(join(parentPath, name)).includes(password), false, `${name} holds no password`)
})

test('after writing an image of Lampone Pi, the rest of the card and settings are offered', {
  ...slow,
  skip: cannot || (missingTools(...lamponeTools) ?? false),
}, async (t) => {
  const { page, home } = await openWebApp(t, browser)
  const work = join(home, 'work')
  mkdirSync(work)
  const furniture = furnish({ network: 'NetworkManager', init: 'systemd' })
  const { path } = makeLampone(work, { layout: 'lampone', persistenceMiB: 16, furnish: furniture })
  tool('sh', ['-c', `gzip -1 < '${path}' > '${join(home, 'lampone.img.gz')}'`])
  const [app, flash, plan] = [new AppPage(page), new FlashPage(page), new PlanPage(page)]
  const [job, change] = [new JobPage(page), new ChangePage(page)]
  await app.goTo('write')
  await flash.chooseImage('lampone.img.gz')
  await flash.chooseCardFile(join(home, 'card.img'), '2 GB')
  await flash.setReadBack(false)
  await flash.showPlan.click()
  await page.getByText('Lampone Pi is made for cards of 8 GB and more').waitFor()
  await plan.goThrough()
  await job.ended()
  const next = page.getByRole('region', { name: 'What makes sense now' })
  await next.getByRole('link', { name: 'Let it use the whole card…' }).waitFor()
  await assertAccessible(page, 'result with next steps')
  await picture(page, 'flash-next-steps')
  await next.getByRole('link', { name: 'Customise…' }).click()
  await app.heading.filter({ hasText: 'Customise card.img' }).waitFor()
  await page.getByRole('textbox', { name: 'Computer name', exact: true }).fill('workshop')
  await change.showPlan.click()
  await change.planned()
  await change.part('What will be done').getByText('The computer is called workshop.').waitFor()
})

test('settings, dark, in German and 320 pixels wide: all of it can be read and reached', slow, async (t) => {
  const { page, path, app } = await desk(t, { theme: 'dark', width: 320, height: 700, language: 'de-DE' })
  await app.goTo('settings')
  await page.getByText('Deutsch, nicht vollständig').click()
  await page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
  await app.goTo(`customise/${encodeURIComponent(path)}`)
  await page.getByRole('heading', { name: 'Verwalter' }).waitFor()
  await assertAccessible(page, 'customise, dark')
  await assertNoSideways(page, 'customise, 320')
  await picture(page, 'customise-narrow-dark')
  await page.setViewportSize({ width: 640, height: 400 })
  await assertNoSideways(page, 'customise, 200 %')
  // By the keyboard alone, from the first field to the plan.
  await page.setViewportSize({ width: 1000, height: 800 })
  await page.getByLabel('Neues Kennwort', { exact: true }).focus()
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
  for (let step = 0; step < 40 && !(await focused()).startsWith('Plan zeigen'); step += 1) await page.keyboard.press('Tab')
  assert.match(await focused(), /^Plan zeigen/)
  await page.keyboard.press('Enter')
  await page.getByText('Noch ist nichts ausgefüllt.').waitFor()
})
