/** What a user of the browser does, against the real server and real loop devices. */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { cannotLoop, type LoopDevice, loopOf, withLoop } from '../support/devices.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { JobPage } from '../support/pages/job-page.ts'
import { PlanPage } from '../support/pages/plan-page.ts'
import { until } from '../support/patience.ts'
import { pack, sampleImage, sha256 } from '../support/sample-images.ts'
import { slowImage } from '../support/slow-image-server.ts'
import { testFolder, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebApp, type WebAppOptions } from '../support/web-app.ts'

const MiB = 1024 * 1024
const noBrowser = cannotBrowse() ?? false
const noDrive = cannotBrowse() ?? cannotLoop() ?? false
const slow = { timeout: 120_000 }

let browser: Browser
before(async () => {
  if (!noBrowser) browser = await openBrowser()
})
after(() => browser?.close())

interface Desk extends WebApp {
  app: AppPage
  flash: FlashPage
  plan: PlanPage
  job: JobPage
}

async function desk(t: TestContext, options?: WebAppOptions): Promise<Desk> {
  const web = await openWebApp(t, browser, options)
  const { page } = web
  return { ...web, app: new AppPage(page), flash: new FlashPage(page), plan: new PlanPage(page), job: new JobPage(page) }
}

/** The start of what is behind a drive. */
function written(card: LoopDevice, bytes: number): Buffer {
  return readFileSync(card.backing).subarray(0, bytes)
}

test('image, card, plan, yes: the image is on the card, and the app says what was checked', {
  ...slow,
  skip: noDrive,
}, async (t) => {
  const card = withLoop(t, { sizeBytes: 64 * MiB })
  const { page, home, app, flash, plan, job } = await desk(t)
  const image = sampleImage(home, 24 * MiB)
  const packed = pack(image, 'xz')
  writeFileSync(`${packed}.sha256`, `${sha256(packed)}  ${basename(packed)}\n`)

  await app.showVirtualDrives()
  await app.goTo('write')
  assert.ok(await flash.showPlan.isDisabled())
  await flash.chooseImage(basename(packed))
  await flash.image.getByText(`SHA-256 from ${basename(packed)}.sha256`).waitFor()
  await flash.image.getByText('MBR').waitFor()
  await page.getByText('Choose a card or stick.').waitFor()
  await flash.chooseDrive(card.path)
  await picture(page, 'browser-flash-light')
  await flash.showPlan.click()

  await app.heading.filter({ hasText: /^Write sample-24-1 to / }).waitFor()
  await page.getByText('Nothing has been changed yet.').waitFor()
  await picture(page, 'browser-plan-light')
  await plan.act.click()
  assert.ok(await plan.question.getByText(card.path).isVisible())
  await picture(page, 'browser-confirm-light')
  assert.ok(
    written(card, 24 * MiB).every((byte) => byte === 0),
    'nothing was written before the yes',
  )
  await plan.confirm.click()

  await job.ended()
  await job.outcome.getByText('Every byte that was written has been read back and compared.').waitFor()
  await app.heading.filter({ hasText: /^sample-24-1 is on / }).waitFor()
  await job.checks.getByText('still the same').waitFor()
  assert.equal(await job.checks.getByText('matches').count(), 2)
  await picture(page, 'browser-result-light')
  assert.ok(written(card, 24 * MiB).equals(readFileSync(image)))

  await app.sideLine('History').filter({ hasText: '1 job' }).waitFor()
  await app.goTo('history')
  await page
    .getByRole('main')
    .getByRole('link', { name: /sample-24-1 to .*written and checked/ })
    .click()
  await job.outcome.waitFor()
})

test('a drive that is plugged in appears, and one that is pulled goes and is no longer chosen', {
  ...slow,
  skip: noDrive,
}, async (t) => {
  const { page, home, app, flash } = await desk(t)
  sampleImage(home, 8 * MiB)
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.chooseImage('sample-8-1.img')
  const card = withLoop(t, { sizeBytes: 32 * MiB })
  await flash.driveCard(card.path).waitFor()
  assert.equal(await flash.drives.getByRole('checkbox', { checked: true }).count(), 0, 'nothing is chosen by itself')
  await flash.chooseDrive(card.path)
  assert.ok(await flash.showPlan.isEnabled())
  card.detach()
  await flash.driveCard(card.path).waitFor({ state: 'detached' })
  await page.getByText('so it is no longer chosen').waitFor()
  assert.ok(await flash.showPlan.isDisabled())
})

test('virtual drives are not there unless asked for, and the system disk never is', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 32 * MiB })
  const { page, app, flash } = await desk(t)
  await app.goTo('write')
  await flash.drives.waitFor()
  assert.equal(await page.getByText(card.path, { exact: true }).count(), 0)
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.driveCard(card.path).waitFor()
  const folded = page.getByRole('button', { name: /not offered$/ })
  if ((await folded.count()) > 0) {
    await folded.click()
    const reasons = await page.locator('.refused li').allInnerTexts()
    for (const text of reasons) assert.ok(text.trim().split('\n').length >= 2, `"${text}" has a reason`)
  }
})

test('a refused drive: the fold and its own page name what uses it', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 32 * MiB })
  const user = loopOf(t, card.path)
  const { page, app } = await desk(t)
  await app.showVirtualDrives()
  await app.goTo('write')
  await page.getByRole('button', { name: /not offered$/ }).click()
  const reason = new RegExp(`It is in use as .*\\b${basename(user.path)}\\b`)
  await page.locator('.refused li').filter({ hasText: card.path }).getByText(reason).waitFor()
  await app.goTo(`drive/${encodeURIComponent(card.path)}`)
  await page.getByText('This drive is not offered for writing.').waitFor()
  await page.getByRole('main').getByText(reason).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Write an image…' }).count(), 0)
})

test('one image of an archive that holds several', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 32 * MiB })
  const { page, home, app, flash, plan, job } = await desk(t)
  const images = [sampleImage(home, 8 * MiB), sampleImage(home, 12 * MiB, 2)]
  tool('zip', ['-q', '-1', '-j', join(home, 'both.zip'), ...images])
  await app.showVirtualDrives()
  await app.goTo('write')
  await page.getByRole('button', { name: 'Open a file…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'both.zip' }).click()
  const choice = flash.image.getByRole('radiogroup', { name: 'This archive holds several images. Which one?' })
  await choice.waitFor()
  assert.equal(await choice.getByRole('radio', { checked: true }).count(), 0, 'none is chosen by itself')
  assert.equal(await flash.image.getByText('On the card').count(), 0, 'nothing is said of what is in it')
  await flash.chooseDrive(card.path)
  await page.getByText('Choose one of the images in the archive.').waitFor()
  assert.ok(await flash.showPlan.isDisabled())
  await choice.getByText('sample-12-2.img').click()
  await flash.image.getByText('12.6').last().waitFor()
  await flash.image.getByText('On the card').waitFor()
  await flash.showPlan.click()
  await app.heading.filter({ hasText: /^Write sample-12-2 to / }).waitFor()
  await plan.goThrough()
  await job.ended()
  await app.heading.filter({ hasText: /^sample-12-2 is on / }).waitFor()
  assert.ok(written(card, 12 * MiB).equals(readFileSync(images[1] ?? '')))
})

test('without reading back: no step of it, a warning before, and no claim after', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 64 * MiB })
  const { page, app, flash, plan, job } = await desk(t)
  const { url, hurry } = await slowImage(t, randomFillSync(Buffer.alloc(16 * MiB)))
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.chooseAddress(url)
  await flash.chooseDrive(card.path)
  await flash.setReadBack(false)
  await flash.showPlan.click()
  await page.getByText('What is written will not be read back and compared.').waitFor()
  await plan.goThrough()
  await job.running()
  const steps = await page.getByRole('list', { name: 'Steps of this job' }).getByRole('listitem').allInnerTexts()
  assert.equal(steps.length, 3, steps.join())
  assert.ok(!steps.some((text) => text.includes('Reading back')), steps.join())
  hurry()
  await job.ended()
  await job.outcome.getByText('It was not read back.').waitFor()
  await job.checks.getByText('not done').waitFor()
})

test('a wrong checksum: the job fails in three parts, and the card does not pretend to be whole', {
  ...slow,
  skip: noDrive,
}, async (t) => {
  const card = withLoop(t, { sizeBytes: 64 * MiB })
  const { page, home, app, flash, plan, job } = await desk(t)
  const image = sampleImage(home, 16 * MiB)
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.chooseImage(basename(image))
  await flash.image.getByRole('button', { name: 'Enter a checksum…' }).click()
  const field = flash.image.getByRole('textbox', { name: 'Published SHA-256 or MD5' })
  await field.fill('1234')
  await flash.image.getByText('A SHA-256 has 64 characters').waitFor()
  await field.fill('0'.repeat(64))
  await flash.image.getByText('SHA-256 · will be checked').waitFor()
  await flash.chooseDrive(card.path)
  await flash.showPlan.click()
  await plan.goThrough()
  await job.ended()
  await job.outcome.getByText('The image is not the one that was published').waitFor()
  await job.outcome.getByText('What that means').waitFor()
  await job.outcome.getByText('What to do now').waitFor()
  await job.outcome.getByText('checksum-mismatch').waitFor()
  await picture(page, 'browser-failed-light')
  assert.ok(!written(card, 512).equals(readFileSync(image).subarray(0, 512)))
})

test('several cards at once: each has its line, all get the image', { ...slow, skip: noDrive }, async (t) => {
  const cards = [withLoop(t, { sizeBytes: 32 * MiB }), withLoop(t, { sizeBytes: 48 * MiB })]
  const small = withLoop(t, { sizeBytes: 4 * MiB })
  const { home, app, flash, plan, job, page } = await desk(t)
  const image = sampleImage(home, 16 * MiB)
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.chooseImage(basename(image))
  await flash.driveCard(small.path).getByText('Too small: the image needs 16.8').waitFor()
  assert.ok(await flash.driveCard(small.path).getByRole('checkbox').isDisabled())
  for (const card of cards) await flash.chooseDrive(card.path)
  await flash.showPlan.click()
  await plan.act.filter({ hasText: 'Replace everything on 2 drives…' }).click()
  for (const card of cards) await plan.question.getByText(card.path).waitFor()
  await plan.confirm.click()
  await job.ended()
  assert.equal(await page.locator('.job-targets li').filter({ hasText: 'done' }).count(), 2)
  for (const card of cards) assert.ok(written(card, 16 * MiB).equals(readFileSync(image)))
})

test('a job goes on while the user looks elsewhere, and can be stopped', { ...slow, skip: noDrive }, async (t) => {
  const backing = join(testFolder(t), 'card.img')
  writeFileSync(backing, Buffer.alloc(64 * MiB))
  const card = loopOf(t, backing)
  const content = randomFillSync(Buffer.alloc(32 * MiB))
  const { url } = await slowImage(t, content, 'lampone-pi.img')
  const { app, flash, plan, job, page } = await desk(t, { theme: 'dark' })
  await app.showVirtualDrives()
  await app.goTo('write')
  await flash.chooseAddress(url)
  await flash.chooseDrive(card.path)
  await flash.showPlan.click()
  await plan.goThrough()
  await job.running()
  await app.goTo('')
  await app.sideLine(/Writing · \d+\s%/).click()
  await job.running()
  await page.waitForFunction(() => Number.parseInt(document.querySelector('.big')?.textContent ?? '0', 10) >= 25, null, {
    timeout: 60_000,
  })
  assert.match((await page.getByRole('img', { name: /^Speed so far between / }).getAttribute('aria-label')) ?? '', /MB\/s/)
  await picture(page, 'browser-writing-dark')
  await job.stop.click()
  await plan.question.getByText('is not a usable system').waitFor()
  await page.keyboard.press('Escape')
  await plan.question.waitFor({ state: 'detached' })
  await job.running()
  await job.stop.click()
  await plan.question.getByRole('button', { name: 'Stop writing' }).click()
  await job.ended()
  await job.outcome.getByText('Stopped before the end').waitFor()
  assert.ok(!written(card, 512).equals(content.subarray(0, 512)))
})

test('a card is compared with an image, and nothing is written', { ...slow, skip: noDrive }, async (t) => {
  const card = withLoop(t, { sizeBytes: 32 * MiB })
  const { home, app, flash, job, page } = await desk(t)
  const image = sampleImage(home, 16 * MiB)
  writeFileSync(card.backing, Buffer.concat([readFileSync(image), Buffer.alloc(16 * MiB)]))
  await app.showVirtualDrives()
  await app.goTo('check')
  await flash.chooseImage(basename(image))
  await flash.chooseDrive(card.path)
  await flash.compare.click()
  await job.ended()
  await job.outcome.getByText('is the same as sample-16-1').waitFor()

  const changed = Buffer.concat([readFileSync(image), Buffer.alloc(16 * MiB)])
  changed[5 * MiB] = (changed[5 * MiB] ?? 0) ^ 0x40
  writeFileSync(card.backing, changed)
  await page.getByRole('button', { name: 'Check another card' }).click()
  await flash.chooseDrive(card.path)
  await flash.compare.click()
  await job.ended()
  await job.outcome.getByText('What to do now').waitFor()
  assert.ok(readFileSync(card.backing).equals(changed))
})

test('practice: an image is written to a card file, and once more into the same one', { ...slow, skip: noBrowser }, async (t) => {
  const { home, page, app, flash, plan, job } = await desk(t)
  const image = pack(sampleImage(home, 16 * MiB), 'xz')
  const cards = join(home, 'cards')
  mkdirSync(cards)
  await app.goTo('write')
  await flash.chooseImage(basename(image))
  await flash.drives.getByText('Card image file, for practice').click()
  const path = flash.drives.getByRole('textbox', { name: 'Where to put it' })
  const size = flash.drives.getByRole('textbox', { name: 'As large as' })
  const pathIs = (wanted: string) => until(async () => assert.equal(await path.inputValue(), wanted))
  await pathIs(join(home, 'practice-card.img'))
  await flash.drives.getByRole('button', { name: 'Choose a folder…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Where to put the card file' })
  await dialog.getByRole('button', { name: /^cards/ }).click()
  await dialog.getByText(cards, { exact: true }).waitFor()
  await dialog.getByRole('button', { name: 'Put it in this folder' }).click()
  const file = join(cards, 'practice-card.img')
  await pathIs(file)

  await size.fill('eight')
  await flash.drives.getByText('Not a size that Livecard understands').waitFor()
  await until(async () => assert.ok(await flash.showPlan.isDisabled()))
  await size.fill('8 MB')
  await flash.drives.getByText('Too small: the image needs 16.8').waitFor()
  await path.fill(join(home, 'nowhere', 'card.img'))
  await flash.drives.getByText('There is no such folder').waitFor()
  await path.fill(cards)
  await flash.drives.getByText('This is a folder.').waitFor()
  await path.fill(file)
  await size.fill('64 MB')
  await flash.showPlan.click()
  await plan.goThrough()
  await job.ended()
  await app.heading.filter({ hasText: 'sample-16-1 is on practice-card.img' }).waitFor()
  const card = readFileSync(file)
  assert.equal(card.length, 64_000_000)
  assert.ok(card.subarray(0, 16 * MiB).equals(readFileSync(image.replace(/\.xz$/, ''))))

  await page.getByRole('button', { name: 'Write another card' }).click()
  await flash.drives.getByText('Card image file, for practice').click()
  await flash.drives.getByText(/^There is a file of this name already \(64.MB\)/).waitFor()
  assert.equal(await size.count(), 0, 'the size of a file that is there is not asked for')
  await flash.showPlan.click()
  await page.getByText('what the card image practice-card.img (64 MB) holds now').waitFor()
  await plan.act.filter({ hasText: 'Replace everything on practice-card.img…' }).waitFor()
  await plan.goThrough()
  await job.ended()
  assert.equal(readFileSync(file).length, 64_000_000)
})

test('a file dropped on a browser: it says why it cannot open it, and helps', { ...slow, skip: noBrowser }, async (t) => {
  const { home, page, flash } = await desk(t)
  sampleImage(home, 8 * MiB)
  await page.evaluate(() => {
    const data = new DataTransfer()
    data.items.add(new File(['x'], 'dropped.img'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  })
  const dialog = page.getByRole('dialog')
  await dialog.getByText('A browser does not tell where “dropped.img” lies').waitFor()
  await dialog.getByRole('button', { name: 'sample-8-1.img' }).click()
  await dialog.getByText('What is to be done with sample-8-1.img?').waitFor()
  await dialog.getByRole('button', { name: 'Write it to a card…' }).click()
  await flash.image.getByText('On the card').waitFor()
})

test('the server dies: the app says so and what it means, and does not pretend', { ...slow, skip: noBrowser }, async (t) => {
  const expectedErrors = /WebSocket|ERR_CONNECTION_REFUSED/
  const { page, home, kill, app, flash, plan, job } = await desk(t, { expectedErrors })
  const { url } = await slowImage(t, randomFillSync(Buffer.alloc(32 * MiB)))
  await app.goTo('write')
  await flash.chooseAddress(url)
  await flash.drives.getByText('Card image file, for practice').click()
  await flash.drives.getByRole('textbox', { name: 'Where to put it' }).fill(join(home, 'card.img'))
  await flash.drives.getByRole('textbox', { name: 'As large as' }).fill('0.064')
  await flash.showPlan.click()
  await plan.goThrough()
  await job.running()
  await kill()
  const message = page.getByRole('alert').filter({ hasText: 'The part of Livecard that talks to drives has stopped' })
  await message.getByText('This was running: Writing slow to card.img').waitFor()
  assert.ok(await job.stop.isDisabled())
  await page.getByText('how far it is now is not known').waitFor()
  await message.getByRole('button', { name: 'Start again' }).click()
  await message.getByText('It does not answer.').waitFor()
})
