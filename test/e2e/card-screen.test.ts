/** Looking at cards in the browser, against the real helper and real images. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { cannotLoop, loopOf } from '../support/devices.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { until } from '../support/patience.ts'
import { makePlainCard, noteErrors, noteNoErrors, plainCard, plainCardTools } from '../support/plain-card.ts'
import { pack, sampleImage } from '../support/sample-images.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebApp, type WebAppOptions } from '../support/web-app.ts'

const MiB = 1024 * 1024
const noCard = cannotBrowse() ?? missingTools(...plainCardTools) ?? false
const noDrive = noCard || (cannotLoop() ?? false)
const slow = { timeout: 120_000 }

let browser: Browser
before(async () => {
  if (!noCard) browser = await openBrowser()
})
after(() => browser?.close())

interface Desk extends WebApp {
  app: AppPage
  card: CardPage
}

async function desk(t: TestContext, options?: WebAppOptions): Promise<Desk> {
  const web = await openWebApp(t, browser, options)
  return { ...web, app: new AppPage(web.page), card: new CardPage(web.page) }
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

test('a damaged card image: what is wrong, what is on it, and nothing is changed', { ...slow, skip: noCard }, async (t) => {
  const { page, home, app, card } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  const before = hashOf(image)
  await card.open('plain.img')

  await app.heading.filter({ hasText: 'plain.img' }).waitFor()
  assert.equal(await card.health.innerText(), 'needs repair')
  const finding = card.finding('A Linux filesystem notes that errors were found in it.')
  await finding.getByText('Partition 2').waitFor()
  await finding.getByText('Until it is checked, files may be missing').waitFor()
  await finding.getByRole('button', { name: 'Repair…' }).waitFor()
  await app.sideLine('plain.img').filter({ hasText: 'needs repair' }).waitFor()

  const parts = await card.parts()
  assert.equal(parts.length, 3, parts.join('\n'))
  assert.match(parts[0] ?? '', /^START 33\.6\sMB · vfat: partition 1, 512\sbytes of 33\.6\sMB used, begins at 1\sMB$/)
  assert.match(parts[1] ?? '', /^DATA 67\.1\sMB · ext4: partition 2, 9\.7 of 67\.1\sMB used, begins at 34\.6\sMB$/)
  assert.match(parts[2] ?? '', /^Not in a partition 32\.5\sMB$/)

  await card.unfold('Partitions, exactly')
  const table = JSON.parse(tool('sfdisk', ['--json', image])) as { partitiontable: { partitions: { start: number }[] } }
  for (const { start } of table.partitiontable.partitions)
    await card.main.getByText(`sector ${start.toLocaleString('en-GB')}`, { exact: true }).waitFor()
  await picture(page, 'card-damaged-light')
  assert.equal(hashOf(image), before, 'looking changed the image')
})

test('looked at again after it was repaired elsewhere, it is well', { ...slow, skip: noCard }, async (t) => {
  const { home, page, card } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  await card.open('plain.img')
  await card.finding('notes that errors were found').waitFor()
  noteNoErrors(image)
  await card.again.click()
  await page.getByText('Nothing wrong was found.').waitFor()
  assert.equal(await card.finding('notes that errors were found').count(), 0)
  assert.equal(await card.health.innerText(), 'nothing wrong found')
})

test('the map with arrow keys: one stop, each part tells all of itself', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  makePlainCard(home)
  await card.open('plain.img')
  const parts = await card.parts()
  const told = card.main.locator('.told').first()
  await card.map.getByRole('option').first().focus()
  for (const [index, text] of parts.entries()) {
    assert.equal(await told.innerText(), text)
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), text)
    if (index < parts.length - 1) await page.keyboard.press('ArrowRight')
  }
  await page.keyboard.press('ArrowRight')
  assert.equal(await told.innerText(), parts.at(-1), 'the last stays the last')
  await page.keyboard.press('Home')
  assert.equal(await told.innerText(), parts[0])
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), null, 'Tab leaves the map at once')
  await card.map.getByRole('option').nth(2).hover()
  assert.equal(await told.innerText(), parts[2])
})

test('a drive is looked at when it is opened, and what was seen stays after it is pulled', {
  ...slow,
  skip: noDrive,
}, async (t) => {
  const { page, home, app, card } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  const drive = loopOf(t, image)
  await app.showVirtualDrives()
  const line = app.sideLine(basename(drive.path))
  await line.click()
  await card.seen()
  await card.finding('notes that errors were found').waitFor()
  await line.filter({ hasText: 'needs repair' }).waitFor()
  await page.getByRole('button', { name: 'Write an image…' }).waitFor()
  await card.unfold('This look')
  assert.equal(await card.row('Name in the system').innerText(), drive.path)
  await page.getByRole('button', { name: 'Save support bundle…' }).click()
  const serials = page.getByRole('dialog').getByRole('switch', { name: /Serial numbers too/ })
  assert.equal(await serials.isChecked(), false, 'serial numbers only where the user says so')
  await page.keyboard.press('Escape')
  drive.detach()
  const gone = page.getByRole('alert').filter({ hasText: 'This card was taken out.' })
  await gone.getByText(/^What stands below was seen /).waitFor()
  await card.finding('notes that errors were found').waitFor()
  assert.equal(await card.again.count(), 0)
  assert.equal(await page.getByRole('button', { name: 'Write an image…' }).count(), 0)
  assert.ok(await page.getByRole('button', { name: 'Copy report' }).isEnabled())
})

test('a drive that something else uses is read only when the user says so', { ...slow, skip: noDrive }, async (t) => {
  const image = makePlainCard(testFolder(t))
  const drive = loopOf(t, image)
  loopOf(t, drive.path)
  const { page, app, card } = await desk(t)
  await app.showVirtualDrives()
  await app.goTo(`drive/${encodeURIComponent(drive.path)}`)
  await page.getByText('This drive is not offered for writing.').waitFor()
  await page.getByText('Not looked at yet').waitFor()
  assert.equal(await card.health.count(), 0)
  await page.getByRole('button', { name: 'Look inside' }).click()
  await card.seen()
  await page.getByText('This drive is not offered for writing.').first().waitFor()
})

test('stopped while the helper is slow: the app says so, and a late answer changes nothing', {
  ...slow,
  skip: noCard,
}, async (t) => {
  const { page, home, server, card } = await desk(t)
  makePlainCard(home)
  await page.getByRole('button', { name: 'Open a card image to look at…' }).click()
  const entry = page.getByRole('dialog').getByRole('button', { name: 'plain.img' })
  await entry.waitFor()
  server.kill('SIGSTOP')
  try {
    await entry.click()
    await page.getByText('Looking at plain.img').last().waitFor()
    await page.getByText('Nothing is changed.').waitFor()
    await page.getByRole('button', { name: 'Stop looking' }).click()
    await page.getByText('Looking was stopped.').waitFor()
  } finally {
    server.kill('SIGCONT')
  }
  await setTimeout(1500)
  assert.equal(await card.health.count(), 0)
  await card.again.click()
  await card.seen()
})

test('what cannot be looked at is told in three parts', { ...slow, skip: noCard }, async (t) => {
  const { page, home, app } = await desk(t)
  const packed = pack(sampleImage(home, 8 * MiB), 'xz')
  for (const [path, message, code] of [
    [join(home, 'nowhere.img'), /There is no .*nowhere\.img/, 'target-not-found'],
    [packed, /is packed \(xz\)/, 'target-packed'],
  ] as const) {
    await app.goTo(`card/${encodeURIComponent(path)}`)
    const alert = page.getByRole('alert')
    await alert.getByText(message).waitFor()
    await alert.getByText('What that means').waitFor()
    await alert.getByText('What to do now').waitFor()
    await alert.getByText(code).waitFor()
  }
})

test('the image goes away while it is shown: the error says so above what was seen', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  const image = makePlainCard(home)
  await card.open('plain.img')
  rmSync(image)
  await card.again.click()
  await page.getByRole('alert').getByText('target-not-found').waitFor()
  await page.getByText(/^What stands below was seen /).waitFor()
  assert.equal((await card.parts()).length, 3)
})

test('the report is copied as text that says what the screen says', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  await card.open('plain.img')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Copy report' }).click()
  await page.getByText('The report is on the clipboard.').waitFor()
  const text = await page.evaluate(() => navigator.clipboard.readText())
  assert.match(text, /^Livecard report on plain\.img\n/)
  assert.ok(text.includes(image))
  assert.ok(text.includes('Health: needs repair'))
  assert.ok(text.includes('[ext-errors]'))
  assert.ok(text.includes(`Partition 2, Start ${plainCard.data.startBytes.toLocaleString('en-GB')} bytes`))
  // Where the page may not ask the clipboard, as in the desktop's window, the selection is copied.
  await page.evaluate(async () => {
    await navigator.clipboard.writeText('other')
    navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))
  })
  await page.getByRole('button', { name: 'Copy report' }).click()
  await until(async () => assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text))
})

test('a support bundle: a file that tar reads, never over one that is there', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  makePlainCard(home)
  mkdirSync(join(home, 'sent'))
  await card.open('plain.img')
  await page.getByRole('button', { name: 'Save support bundle…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Save a support bundle' })
  await dialog.getByText('None of your own files are in it, nor their names.').waitFor()
  assert.equal(await dialog.getByRole('switch').count(), 0, 'a file has no serial number to ask about')
  const path = dialog.getByRole('textbox', { name: 'Where to put it' })
  await until(async () => assert.match(await path.inputValue(), /livecard-plain\.img-[\d-]+\.tar\.gz$/))
  await dialog.getByRole('button', { name: 'Choose a folder…' }).click()
  const folders = page.getByRole('dialog', { name: 'Where to put it' })
  await folders.getByRole('button', { name: /^sent/ }).click()
  await folders.getByText(join(home, 'sent'), { exact: true }).waitFor()
  await folders.getByRole('button', { name: 'Put it in this folder' }).click()
  const file = await path.inputValue()
  assert.equal(join(file, '..'), join(home, 'sent'))
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await dialog.getByText(`Saved as ${file}`).waitFor()
  const names = tool('tar', ['-tzf', file])
  assert.match(names, /report/)
  await dialog.getByRole('button', { name: 'Close' }).click()

  await page.getByRole('button', { name: 'Save support bundle…' }).click()
  await path.fill(file)
  const bytes = hashOf(file)
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await dialog.getByText(`Saved as ${file.replace(/\.tar\.gz$/, '-2.tar.gz')}`).waitFor()
  assert.equal(hashOf(file), bytes)
})

test('a dropped image: looking is offered as well as writing; a packed one can only be written', {
  ...slow,
  skip: noCard,
}, async (t) => {
  const { page, home, card } = await desk(t)
  makePlainCard(home)
  pack(sampleImage(home, 8 * MiB), 'xz')
  const drop = () =>
    page.evaluate(() => {
      const data = new DataTransfer()
      data.items.add(new File(['x'], 'dropped.img'))
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    })
  await drop()
  await page.getByRole('dialog').getByRole('button', { name: 'plain.img' }).click()
  const question = page.getByRole('dialog', { name: 'What is to be done with plain.img?' })
  await question.getByText('Looking never changes anything.').waitFor()
  await question.getByRole('button', { name: 'Look what is in it' }).click()
  await card.seen()
  await drop()
  await page.getByRole('dialog').getByRole('button', { name: /\.xz/ }).click()
  await new FlashPage(page).image.getByText('On the card').waitFor()
})

test('what is looked at can be written: to a card, and over itself', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  const image = makePlainCard(home)
  const flash = new FlashPage(page)
  await card.open('plain.img')
  await page.getByRole('button', { name: 'Write it to a card…' }).click()
  await flash.image.getByText(image, { exact: true }).waitFor()
  await page.goBack()
  await page.getByRole('button', { name: 'Write an image into it…' }).click()
  assert.equal(await flash.drives.getByRole('textbox', { name: 'Where to put it' }).inputValue(), image)
  await flash.drives.getByText(/^There is a file of this name already/).waitFor()
})

test('files that were looked at are in the list after a reload, until they are forgotten', { ...slow, skip: noCard }, async (t) => {
  const { page, home, app, card } = await desk(t)
  makePlainCard(home)
  await card.open('plain.img')
  await app.goTo('')
  await page.reload()
  await app.sideLine('plain.img').filter({ hasText: 'Not looked at yet' }).click()
  await card.seen()
  await app.sideLine('plain.img').filter({ hasText: 'no system that Livecard knows' }).waitFor()
  await app.goTo('')
  await page.getByRole('button', { name: 'Forget these' }).click()
  await app.sideLine('plain.img').waitFor({ state: 'detached' })
})

test('a practice card is chosen, made and opened', { ...slow, skip: noCard }, async (t) => {
  const { page, home, card } = await desk(t)
  await page.getByRole('link', { name: 'Try it with a practice card' }).click()
  const choice = page.getByRole('radiogroup', { name: 'Which one?' })
  await choice.waitFor()
  const make = page.getByRole('button', { name: 'Make it and look' })
  assert.ok(await make.isDisabled(), 'none is chosen by itself')
  const names = await choice.getByRole('radio', { disabled: false }).count()
  assert.ok(names > 0 || !hasModules(), 'no practice card is offered')
  if (names === 0) return t.skip('the tools for ext volumes are not built here')
  const folder = page.getByRole('textbox', { name: 'Folder for it' })
  await until(async () => assert.equal(await folder.inputValue(), join(home, 'practice-cards')))
  await choice.locator('label:not([data-disabled])').first().click()
  await picture(page, 'practice-light')
  await make.click()
  await card.seen()
  const [made] = readdirSync(join(home, 'practice-cards'))
  assert.ok(made !== undefined && existsSync(join(home, 'practice-cards', made)))
  await page.getByRole('heading', { level: 1, name: made }).waitFor()
  const [, allocated] = execFileSync('stat', ['-c', '%s %b', join(home, 'practice-cards', made)], { encoding: 'utf8' })
    .split(' ')
    .map(Number)
  assert.ok((allocated ?? 0) * 512 < 300 * MiB, 'it takes little room')
})
