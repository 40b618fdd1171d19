/** Saving cards in the browser: what is ticked is what GNU tar finds in the archive, and a stopped one leaves nothing. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { until } from '../support/patience.ts'
import { missingTools, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const cannot = cannotBrowse() ?? missingTools('tar', 'gzip') ?? false
const slow = { timeout: 180_000, skip: cannot }

let browser: Browser
before(async () => {
  if (!cannot) browser = await openBrowser()
})
after(() => browser?.close())

async function desk(t: TestContext, cardId: string, options?: WebAppOptions) {
  const web = await openWebApp(t, browser, options)
  const { page, home } = web
  const { path } = await makePracticeCard(cardId, home, { ifThere: 'leave' })
  const [app, card, change] = [new AppPage(page), new CardPage(page), new ChangePage(page)]
  const place = page.getByRole('textbox', { name: 'File' })
  const save = page.getByRole('button', { name: /^Save as / })
  const open = async () => {
    await app.goTo(`backup/${encodeURIComponent(path)}`)
    await page.getByRole('tree', { name: 'What is saved' }).waitFor({ timeout: 60_000 })
  }
  return { ...web, path, app, card, change, place, save, open }
}

test('a card is saved without what was unticked, by the keyboard, and is not written to', slow, async (t) => {
  const { page, home, path, card, change, place, save } = await desk(t, 'lampone-healthy')
  const writtenAt = statSync(path).mtimeMs
  await card.open(basename(path))
  await page.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Back up…' }).click()
  const changes = change.row(/^Your changes/)
  await changes.focus()
  assert.equal(await changes.getAttribute('aria-checked'), 'true')
  const estimate = page.locator('.estimate [role=status]')
  await estimate.filter({ hasText: /in \d+ files/ }).waitFor()
  const count = Number(/in (\d+) files/.exec(await estimate.innerText())?.[1])
  await page.keyboard.press('ArrowRight')
  await change.row(/^etc/).waitFor()
  for (const key of ['ArrowDown', 'ArrowRight']) await page.keyboard.press(key)
  await change.row(/^fstab/).waitFor()
  for (const key of ['ArrowDown', ' ']) await page.keyboard.press(key)
  assert.equal(await change.row(/^fstab/).getAttribute('aria-checked'), 'false')
  assert.equal(await change.row(/^etc/).getAttribute('aria-checked'), 'mixed')
  assert.equal(await changes.getAttribute('aria-checked'), 'mixed')
  await change.row(/^motd deleted in the system/).waitFor()
  await estimate.filter({ hasText: `in ${count - 1} files` }).waitFor()
  await assertAccessible(page, 'backup')
  await picture(page, 'backup-light')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  assert.equal(await change.row(/^fstab/).count(), 0, 'its folder is closed')

  await page.getByText('The kernel too').click()
  assert.equal(await place.inputValue(), join(home, (await save.innerText()).replace('Save as ', '')))
  await place.fill(join(home, 'saved.zip'))
  await page.getByText('The name has to end with').waitFor()
  assert.ok(await save.isDisabled())
  const archive = join(home, 'saved.tar.gz')
  await place.fill(archive)
  await save.click()
  await change.outcome.getByText('files are saved.').waitFor()
  await assertAccessible(page, 'saved')
  const names = tool('tar', ['-tzf', archive]).trim().split('\n')
  assert.ok(names.includes('rw/etc/hostname') && names.includes('rw/etc/motd'), names.join(' '))
  assert.ok(!names.includes('rw/etc/fstab'))
  assert.ok(!names.some((name) => name.startsWith('kernel')), 'the kernel was not wanted')
  assert.equal(statSync(path).mtimeMs, writtenAt)

  await page.goBack()
  await place.waitFor()
  await until(async () => assert.notEqual(await place.inputValue(), ''))
  await place.fill(archive)
  await save.click()
  await page.getByRole('alert').getByText('backup-exists').waitFor()
})

test('a backup goes on while the user looks elsewhere, and stopping it leaves nothing', slow, async (t) => {
  const { page, home, server, app, change, place, save, open } = await desk(t, 'liveos-invalid')
  await open()
  const archive = join(home, 'changes.tar.gz')
  await until(async () => assert.notEqual(await place.inputValue(), ''))
  await place.fill(archive)
  await page.locator('.estimate strong').waitFor()
  await save.click()
  await app.heading.filter({ hasText: 'Backing up liveos-invalid.img' }).waitFor()
  // It stands still, so that it can be looked at.
  server.kill('SIGSTOP')
  try {
    await change.main.getByRole('progressbar').waitFor()
    await assertAccessible(page, 'saving')
    await app.goTo('')
    await app.sideLine('liveos-invalid.img').filter({ hasText: 'Saving' }).click()
    await page.getByRole('button', { name: 'Stop…' }).click()
    await change.question.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('button', { name: 'Stop…' }).click()
    await change.question.getByRole('button', { name: 'Stop and remove it' }).click()
  } finally {
    server.kill('SIGCONT')
  }
  await change.outcome.getByText('Stopped.').waitFor()
  await change.outcome.getByText('is removed again').waitFor()
  assert.ok(!existsSync(archive))
  assert.deepEqual(
    readdirSync(home).filter((name) => name.startsWith('changes')),
    [],
  )
})

test('saving, dark and 320 pixels wide: all of it can be read and reached; nothing ticked saves nothing', slow, async (t) => {
  const { page, change, save, open } = await desk(t, 'lampone-healthy', { theme: 'dark', width: 320, height: 700 })
  await open()
  await change
    .row(/^Your changes/)
    .locator('.tree-fold')
    .click()
  await change.row(/^etc/).waitFor()
  await assertAccessible(page, 'backup, dark')
  await assertNoSideways(page, 'backup, 320')
  await change.row(/^Your changes/).click()
  await page.getByText('Nothing is ticked.').waitFor()
  assert.ok(await save.isDisabled())
  await page.setViewportSize({ width: 640, height: 400 })
  await assertNoSideways(page, 'backup, 200 %')
})
