/** A fresh start and a restore in the browser: what was ticked is kept, and what a backup holds comes back, judged by GNU tar. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const cannot =
  cannotBrowse() ?? missingTools('tar', 'gzip') ?? (hasModules() ? false : 'this tree was built without the tools in WebAssembly')
const slow = { timeout: 180_000, skip: cannot }

let browser: Browser
before(async () => {
  if (!cannot) browser = await openBrowser()
})
after(() => browser?.close())

async function desk(t: TestContext, options?: WebAppOptions) {
  const { page, home } = await openWebApp(t, browser, options)
  const { path } = await makePracticeCard('lampone-healthy', home, { ifThere: 'leave' })
  const save = async (name: string) => {
    const file = join(home, name)
    const { code, stderr } = await runCli(['backup', path, file])
    assert.equal(code, 0, stderr)
    return file
  }
  /** What an archive holds, with its sizes and times. */
  const listed = (file: string) =>
    tool('tar', ['-tvzf', file, '--full-time', '--numeric-owner'])
      .split('\n')
      .filter((line) => / rw\//.test(line))
  const [app, card, change] = [new AppPage(page), new CardPage(page), new ChangePage(page)]
  return { page, home, path, save, listed, app, card, change }
}

test('a card is saved, started afresh but for what was ticked, and gets its files back', slow, async (t) => {
  const { page, save, listed, card, change } = await desk(t)
  const before = listed(await save('before.tar.gz'))
  await card.open('lampone-healthy.img')
  await page.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Start afresh…' }).click()
  await page.getByRole('button', { name: 'Back up first…' }).waitFor()
  await change
    .row(/^Your changes/)
    .locator('.tree-fold')
    .click()
  assert.equal(await change.row(/^etc/).getAttribute('aria-checked'), 'false', 'nothing is kept unless it is ticked')
  await change.row(/^home/).click()
  await assertAccessible(page, 'reset')
  await picture(page, 'reset-light')
  await change.showPlan.click()
  await change.planned()
  await change.part('What is gone afterwards').getByText('but for /home').waitFor()
  await change.act.click()
  await change.question.getByText('Without a backup of it').waitFor()
  assert.match((await change.confirm.getAttribute('class')) ?? '', /button-danger/)
  await assertAccessible(page, 'reset, question')
  await change.confirm.click()
  await change.outcome.getByText(/^The system is as it was delivered/).waitFor({ timeout: 60_000 })
  const kept = listed(await save('reset.tar.gz'))
  assert.ok(kept.length > 0 && kept.length < before.length)
  assert.ok(
    kept.every((line) => / rw\/(home\/.*)?$/.test(line)),
    kept.join('\n'),
  )

  await page.getByRole('link', { name: 'Look at the card' }).click()
  await page.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Restore…' }).click()
  await page.getByRole('button', { name: 'Choose a backup…' }).click()
  await change.browseTo('before.tar.gz')
  await page.getByText(/^Saved on .* from Lampone Pi/).waitFor()
  await page.getByText('what was added to them since goes').waitFor()
  await assertAccessible(page, 'restore')
  await picture(page, 'restore-light')
  await change.showPlan.click()
  await change.goThrough()
  await change.outcome.getByText(/^Restored, and/).waitFor()
  assert.deepEqual(listed(await save('after.tar.gz')), before, 'names, sizes, owners and times')
})

test('a part of a backup is put over what is there; what is no archive is told', slow, async (t) => {
  const { page, path, home, save, app, change } = await desk(t, { theme: 'dark', width: 320, height: 700 })
  await save('before.tar.gz')
  tool('cp', ['/etc/hostname', join(home, 'letter.tar')])
  await app.goTo(`restore/${encodeURIComponent(path)}`)
  await page.getByRole('button', { name: 'Choose a backup…' }).click()
  await change.browseTo('letter.tar')
  await change.outcome
    .getByText(/damaged/)
    .first()
    .waitFor()
  assert.ok(await change.showPlan.isDisabled())
  await page.getByRole('button', { name: 'Another one…' }).click()
  await change.browseTo('before.tar.gz')
  await change
    .row(/^Your changes/)
    .locator('.tree-fold')
    .click()
  await change.row(/^home/).waitFor()
  await change.row(/^Your changes/).click()
  assert.ok(await change.showPlan.isDisabled(), 'nothing is ticked')
  await change.row(/^home/).click()
  await page.getByText('Nothing else is touched.').waitFor()
  await assertAccessible(page, 'restore, dark')
  await assertNoSideways(page, 'restore, 320')
  await change.showPlan.click()
  await change.planned()
  await change.part('What stays').getByText('All other files').waitFor()
  await assertNoSideways(page, 'restore plan, 320')
  await page.goBack()
  await page.getByText(/^Saved on .* from Lampone Pi/).waitFor()
})
