/**
 * The pictures of the README, of the real app in a real browser: `node --test test/pictures.ts` as root writes build/pictures. No test of `npm test`: it asserts
 * nothing that others do not, and needs a machine where nothing else makes loop devices.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { makePracticeCard } from '../native-helpers/jobs/demo/make-cards.ts'
import { cannotLoop, type LoopDevice, loopOf } from './support/devices.ts'
import { AppPage } from './support/pages/app-page.ts'
import { CardPage } from './support/pages/card-page.ts'
import { ChangePage } from './support/pages/change-page.ts'
import { FlashPage } from './support/pages/flash-page.ts'
import { JobPage } from './support/pages/job-page.ts'
import { PlanPage } from './support/pages/plan-page.ts'
import { pack, sampleImage, sha256 } from './support/sample-images.ts'
import { slowImage } from './support/slow-image-server.ts'
import { testFolder } from './support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, type WebAppOptions } from './support/web-app.ts'

const MiB = 1024 * 1024
const pictures = fileURLToPath(new URL('../build/pictures/', import.meta.url))
const fromElectron = fileURLToPath(new URL('output/screenshots/', import.meta.url))
/** A README is read over slow lines too. */
const mostBytes = 190_000
const options = { skip: cannotBrowse() ?? cannotLoop() ?? false, timeout: 180_000 }

let browser: Browser
before(async () => {
  mkdirSync(pictures, { recursive: true })
  if (!options.skip) browser = await openBrowser()
})
after(() => browser?.close())

/** A home with an image in it, packed, and the sum that was published with it. */
function homeWithImage(t: TestContext): { home: string; packed: string } {
  const home = join(testFolder(t), 'Images')
  mkdirSync(home)
  const image = join(home, 'lampone-pi.img')
  renameSync(sampleImage(home, 256 * MiB), image)
  const packed = pack(image, 'xz')
  writeFileSync(`${packed}.sha256`, `${sha256(packed)}  ${basename(packed)}\n`)
  return { home, packed }
}

/** As large as a card, and as little on the disk as is written to it. */
function card(t: TestContext): LoopDevice {
  const backing = join(testFolder(t), 'card.img')
  writeFileSync(backing, '')
  truncateSync(backing, 8_000_000_000)
  return loopOf(t, backing)
}

async function desk(t: TestContext, webOptions: WebAppOptions) {
  const { page } = await openWebApp(t, browser, webOptions)
  const app = new AppPage(page)
  await app.showVirtualDrives()
  await app.goTo('write')
  return { page, flash: new FlashPage(page), plan: new PlanPage(page), job: new JobPage(page) }
}

/** Other programs' loop and zram devices would be in the picture: waits until there are none. */
async function alone(own: string): Promise<void> {
  const isOther = (name: string) => /^(loop|zram)/.test(name) && `/dev/${name}` !== own
  const others = () =>
    readdirSync('/sys/block').filter((name) => isOther(name) && readFileSync(`/sys/block/${name}/size`, 'utf8').trim() !== '0')
  for (let tries = 0; others().length > 0; tries++) {
    if (tries === 300) throw new Error(`other virtual drives are there: ${others().join(', ')}`)
    await setTimeout(200)
  }
}

/** `drive`: the only virtual one that may be in the picture; null where virtual drives are not shown. */
async function save(page: Page, name: string, drive: string | null): Promise<void> {
  const path = join(pictures, `${name}.png`)
  if (drive !== null) await alone(drive)
  // Nothing half-way faded, and no pointer over a line.
  await page.mouse.move(0, 0)
  await setTimeout(400)
  await page.screenshot({ path })
  if (statSync(path).size > mostBytes) throw new Error(`${path} has ${statSync(path).size} bytes`)
}

for (const [name, theme, width, height] of [
  ['flash-light', 'light', 1280, 940],
  ['flash-narrow', 'light', 400, 860],
] as const) {
  test(name, options, async (t) => {
    const { home, packed } = homeWithImage(t)
    const { path } = card(t)
    const { page, flash, plan, job } = await desk(t, { home, theme, width, height })
    await flash.chooseImage(basename(packed))
    await flash.chooseDrive(path)
    await page.evaluate(() => scrollTo(0, 0))
    await save(page, name, path)
    if (name !== 'flash-light') return
    await flash.showPlan.click()
    await plan.goThrough()
    await job.ended()
    await page.setViewportSize({ width, height: 860 })
    await save(page, 'result-light', path)
  })
}

test('writing-dark', options, async (t) => {
  const { packed } = homeWithImage(t)
  const { path } = card(t)
  const { url } = await slowImage(t, readFileSync(packed), basename(packed), MiB)
  const { page, flash, plan, job } = await desk(t, { theme: 'dark' })
  await alone(path)
  await flash.chooseAddress(url)
  await flash.image.getByRole('button', { name: 'Enter a checksum…' }).click()
  await flash.image.getByRole('textbox', { name: 'Published SHA-256 or MD5' }).fill(sha256(packed))
  await flash.chooseDrive(path)
  await flash.showPlan.click()
  await plan.goThrough()
  await job.running()
  await page.waitForFunction(() => Number.parseInt(document.querySelector('.big')?.textContent ?? '0', 10) >= 36)
  await save(page, 'writing-dark', path)
})

for (const [name, theme] of [
  ['card-light', 'light'],
  ['card-dark', 'dark'],
] as const) {
  test(name, options, async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'card-'))
    t.after(() => rmSync(home, { recursive: true, force: true }))
    const { page } = await openWebApp(t, browser, { home, theme, width: 1280, height: 960 })
    await page.getByRole('link', { name: 'Try it with a practice card' }).click()
    const folder = page.getByRole('textbox', { name: 'Folder for it' })
    await folder.waitFor()
    await folder.fill(home)
    await page.getByText('Fedora LiveOS stick that does not start').click()
    await page.getByRole('button', { name: 'Make it and look' }).click()
    await new CardPage(page).seen()
    await page.evaluate(() => {
      scrollTo(0, 0)
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    })
    await save(page, name, null)
  })
}

test('repair-plan', options, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'card-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const { path } = await makePracticeCard('liveos-invalid', home, { ifThere: 'leave' })
  const { page } = await openWebApp(t, browser, { home, width: 1280, height: 960 })
  await new AppPage(page).goTo(`repair/${encodeURIComponent(path)}`)
  await new ChangePage(page).planned()
  await page.evaluate(() => scrollTo(0, 0))
  await save(page, 'repair-plan', null)
})

test('enlarge-light', options, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'card-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const { path } = await makePracticeCard('liveos-healthy', home, { ifThere: 'leave' })
  const { page } = await openWebApp(t, browser, { home, width: 1280, height: 720 })
  await new AppPage(page).goTo(`enlarge/${encodeURIComponent(path)}`)
  await page.getByRole('slider', { name: /^New size/ }).fill('90')
  await page.evaluate(() => scrollTo(0, 0))
  await save(page, 'enlarge-light', null)
})

test('backup-light', options, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'card-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const { path } = await makePracticeCard('lampone-healthy', home, { ifThere: 'leave' })
  const { page } = await openWebApp(t, browser, { home, width: 1280, height: 960 })
  await new AppPage(page).goTo(`backup/${encodeURIComponent(path)}`)
  const change = new ChangePage(page)
  await change
    .row(/^Your changes/)
    .locator('.tree-fold')
    .click()
  await change.row(/^etc/).locator('.tree-fold').click()
  await change.row(/^fstab/).click()
  await change.row(/^home/).locator('.tree-fold').click()
  await page.locator('.estimate[aria-busy=false]').waitFor()
  await page.evaluate(() => scrollTo(0, 0))
  await save(page, 'backup-light', null)
})

test('those of Electron, as its own tests left them', { skip: !existsSync(join(fromElectron, 'electron-light.png')) }, () => {
  for (const name of ['electron-light', 'electron-dark', 'electron-narrow']) {
    copyFileSync(join(fromElectron, `${name}.png`), join(pictures, `${name}.png`))
  }
})
