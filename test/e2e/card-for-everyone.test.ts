/** The card screen for eyes, hands and windows of every kind, with cards as their own tools make them. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { fixtureImage, fixtureOverlay, inspected, liveosTools, makeStick, stickFiles } from '../support/liveos.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { abTools, makeAbCard } from '../support/rpi-ab.ts'
import { missingTools } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const noCard = cannotBrowse() ?? missingTools(...liveosTools, ...lamponeTools, ...abTools) ?? false
const slow = { timeout: 180_000, skip: noCard }
const truth = JSON.parse(readFileSync(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url), 'utf8')) as {
  overlays: Record<string, { dmsetup_status: string }>
}

let browser: Browser
let folder: string
let cards: Record<'full' | 'half' | 'lampone' | 'slots', string>
before(async () => {
  if (noCard) return
  browser = await openBrowser()
  folder = mkdtempSync(join(tmpdir(), 'livecard-cards-'))
  cards = makeCards()
})
after(async () => {
  await browser?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** Read by all tests and written by none. */
function makeCards(): typeof cards {
  const named = (path: string, name: string) => {
    renameSync(path, join(folder, name))
    return join(folder, name)
  }
  const stick = (overlay: string) =>
    makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay(overlay) }))
  return {
    // Its overlay ran full, and the kernel gave it up.
    full: named(stick('full-invalid'), 'full.img'),
    half: named(stick('half'), 'half.img'),
    // With a newer kernel than it was made with.
    lampone: named(makeLampone(folder, { layout: 'lampone', upgraded: true, tailMiB: 64 }).path, 'lampone-pi.img'),
    slots: named(makeAbCard(folder, { generation: 2026, updated: true, started: true }).path, 'slots.img'),
  }
}

async function desk(t: TestContext, options?: WebAppOptions) {
  const { page, home } = await openWebApp(t, browser, options)
  const [app, card] = [new AppPage(page), new CardPage(page)]
  const show = async (path: string) => {
    await app.goTo(`card/${encodeURIComponent(path)}`)
    await app.heading.filter({ hasText: basename(path) }).waitFor()
    await card.seen()
  }
  return { page, home, app, card, show }
}

test('a LiveOS stick that ran full: the reason first, and everything about its overlay', slow, async (t) => {
  const { page, app, card, show } = await desk(t)
  await show(cards.full)
  assert.equal(await card.health.innerText(), 'needs repair')
  await app.sideLine('full.img').filter({ hasText: 'needs repair · Fedora LiveOS stick' }).waitFor()
  const first = page.locator('.finding').first()
  await first.getByText('is marked as invalid').waitFor()
  await first.getByRole('button', { name: 'Repair…' }).waitFor()
  assert.ok((await card.parts()).some((text) => /^Changes 67\.1\sMB · invalid: partition 1, .*67\.1\sMB used$/.test(text)))
  await card.rooms.getByText('full', { exact: true }).waitFor()
  await card.unfold('Storage for changes')
  assert.equal(await card.row('As dmsetup status prints it').innerText(), truth.overlays['full-invalid']?.dmsetup_status)
  await picture(page, 'card-full-light')
})

test('changes region by region: the arrow keys and the pointer tell which part and how much', slow, async (t) => {
  const { page, card, show } = await desk(t)
  await show(cards.half)
  const cells = (await inspected(cards.half)).overlays[0]?.snapshot?.map?.cells ?? []
  const count = cells.length
  assert.equal(Number(await card.regions.getAttribute('aria-valuemax')), count)
  await card.regions.focus()
  const now = () => card.regions.getAttribute('aria-valuetext')
  assert.match((await now()) ?? '', new RegExp(`^Region 1 of ${count}, 0\\skB to `))
  await page.keyboard.press('End')
  assert.match((await now()) ?? '', new RegExp(`^Region ${count} of ${count}, .* to 268,435\\skB: `))
  await page.keyboard.press('ArrowRight')
  assert.match((await now()) ?? '', new RegExp(`^Region ${count} of `))
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowDown')
  const row = Number(await card.regions.getAttribute('aria-valuenow')) - 2
  assert.ok(row === 32 || row === 64, `one row is ${row}`)
  const told = card.main.locator('.cells ~ .told')
  assert.equal(await told.innerText(), await now())
  const box = await card.regions.locator('svg').boundingBox()
  assert.ok(box)
  for (const wanted of [
    cells.indexOf(Math.max(...cells)),
    cells.indexOf(0),
    cells.findIndex((share) => share > 0 && share < 0.5),
  ]) {
    if (wanted < 0) continue
    const side = box.width / row
    await page.mouse.move(box.x + ((wanted % row) + 0.4) * side, box.y + (Math.floor(wanted / row) + 0.4) * side)
    const share = cells[wanted] ?? 0
    const changed = share === 0 ? 'unchanged' : `${Math.max(1, Math.floor(share * 100 + 1e-9))}\u00a0% changed`
    const text = await told.innerText()
    assert.ok(text.startsWith(`Region ${wanted + 1} of ${count}, `) && text.endsWith(`: ${changed}`), `${text} is not ${changed}`)
  }
  const status = truth.overlays.half?.dmsetup_status ?? ''
  await card.unfold('Storage for changes')
  assert.equal(await card.row('As dmsetup status prints it').innerText(), status)
})

test('an overlay by itself tells its state, and with its system image what is inside', slow, async (t) => {
  const { page, home, card } = await desk(t)
  writeFileSync(join(home, 'overlay-LIVE-1A2B-3C4D'), fixtureOverlay('half'))
  copyFileSync(fixtureImage, join(home, 'squashfs.img'))
  await card.open('overlay-LIVE-1A2B-3C4D')
  await page.getByText('This overlay was opened by itself').waitFor()
  assert.equal(await card.regions.count(), 0, 'what it lies over is not known')
  await page.getByRole('button', { name: 'Choose its system image…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'squashfs.img' }).click()
  await page.getByText('with squashfs.img').waitFor()
  await card.regions.waitFor()
  await card.unfold('Storage for changes')
  assert.equal(await card.row('As dmsetup status prints it').innerText(), truth.overlays.half?.dmsetup_status)
  assert.match(await card.row('File system inside').innerText(), /^ext4 · \d/)
  await page.reload()
  await page.getByText('with squashfs.img').waitFor()
})

test('a Lampone Pi card: kernels side by side, and the one that starts is marked', slow, async (t) => {
  const { page, app, card, show } = await desk(t)
  await show(cards.lampone)
  await app.sideLine('lampone-pi.img').filter({ hasText: 'Lampone Pi' }).waitFor()
  const kernels = card.kernels.getByRole('listitem')
  assert.equal(await kernels.count(), 2)
  const starts = kernels.filter({ hasText: 'starts' })
  assert.equal(await starts.count(), 1)
  await starts.getByText('5.6.0-0.bpo.2-arm64', { exact: true }).waitFor()
  await starts.getByText('its modules are there').waitFor()
  await kernels.filter({ hasText: '5.5.0-0.bpo.2-arm64' }).waitFor()
  const names = (await card.parts()).map((text) => text.split(/[ ,]/)[0])
  assert.deepEqual(names.slice(0, 4), ['Boot', 'System', 'Kernel', 'Persistence'])
  const unused = card.finding('A part of the card is not used.')
  await picture(page, 'card-lampone-light')
  await unused.getByRole('button', { name: 'Enlarge…' }).click()
  await app.heading.filter({ hasText: 'Enlarge lampone-pi.img' }).waitFor()
  await page.getByRole('slider', { name: 'New size: Storage for changes Partition 4' }).waitFor()

  await show(cards.lampone)
  await card.kernels.getByRole('button', { name: 'From the system…' }).click()
  await page.getByText(/write the kernel anew, Linux 5\.5\.0-0\.bpo\.2-arm64 from partition 2/).waitFor({ timeout: 60_000 })
  await page.goBack()
  await card.main.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Repair…' }).click()
  await page.getByRole('alert').getByText('There is nothing to repair.').waitFor({ timeout: 60_000 })
})

test('a card with two slots: which one starts next, and whether each can', slow, async (t) => {
  const { card, show } = await desk(t)
  await show(cards.slots)
  const slots = card.slots.getByRole('listitem')
  assert.equal(await slots.count(), 2)
  await slots.filter({ hasText: 'starts next' }).getByText('Slot A').waitFor()
  assert.equal(await slots.filter({ hasText: 'starts next' }).count(), 1)
  assert.equal(await slots.filter({ hasText: 'can start' }).count(), 2)
})

/** Everything that this screen has, unfolded. */
async function everyCard(
  t: TestContext,
  options: WebAppOptions,
  look: (page: Page, screen: string) => Promise<void>,
): Promise<void> {
  const { page, app, show } = await desk(t, options)
  for (const name of ['full', 'lampone', 'slots'] as const) {
    await show(cards[name])
    for (const fold of await page.locator('.details .fold-button').all()) await fold.click()
    await look(page, name)
  }
  await page.getByRole('button', { name: 'Save support bundle…' }).click()
  await page.getByRole('dialog').getByRole('textbox').waitFor()
  await look(page, 'bundle')
  await page.keyboard.press('Escape')
  await app.goTo(`card/${encodeURIComponent(join(folder, 'nowhere.img'))}`)
  await page.getByRole('alert').getByText('target-not-found').waitFor()
  await look(page, 'error')
  await app.goTo('practice')
  await page.getByRole('textbox', { name: 'Folder for it' }).waitFor()
  await look(page, 'practice')
}

for (const [name, options] of [
  ['light', { theme: 'light' }],
  ['dark', { theme: 'dark' }],
  ['narrow', { width: 320, height: 700 }],
] as const) {
  test(`axe has nothing to say against any card, ${name}`, slow, (t) =>
    everyCard(t, options, async (page, screen) => {
      await assertAccessible(page, `${screen}, ${name}`)
      if (screen === 'full') await picture(page, `card-full-${name}`)
    }),
  )
}

for (const [name, options] of [
  ['320 pixels wide', { width: 320, height: 700 }],
  ['200 % zoom', { width: 640, height: 400 }],
  ['720 pixels wide', { width: 720, height: 800 }],
  ['900 pixels wide', { width: 900, height: 800 }],
] as const) {
  test(`cards, ${name}: nothing has to be scrolled sideways`, slow, (t) => everyCard(t, options, assertNoSideways))
}

test('text on the map can be read on every part, used or not, light and dark', slow, async (t) => {
  for (const theme of ['light', 'dark'] as const) {
    const { page, show } = await desk(t, { theme })
    for (const path of [cards.lampone, cards.slots, cards.half]) {
      await show(path)
      const low = await page.evaluate(lowContrasts)
      assert.deepEqual(low, [], `${basename(path)}, ${theme}`)
    }
  }
})

/** axe does not look through the picture of what is used, which lies below the text of a part. Runs in the page. */
function lowContrasts(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
  const light = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const contrast = (one: string, other: string) => {
    const [high = 0, low = 0] = [light(one), light(other)].sort((a, b) => b - a)
    return (high + 0.05) / (low + 0.05)
  }
  const found: string[] = []
  for (const part of document.querySelectorAll('.part')) {
    const ink = getComputedStyle(part).color
    const used = part.querySelector('i')
    const grounds = [getComputedStyle(part).backgroundColor, ...(used ? [getComputedStyle(used).backgroundColor] : [])]
    for (const ground of grounds) {
      if (ground === 'rgba(0, 0, 0, 0)') continue
      if (contrast(ink, ground) < 4.5) found.push(`${part.getAttribute('aria-label')}: ${ink} on ${ground}`)
    }
  }
  return found
}

test('in forced colours shapes keep their edges', slow, async (t) => {
  const { page, show } = await desk(t)
  await page.emulateMedia({ forcedColors: 'active' })
  await show(cards.full)
  for (const shape of ['.part', '.room-bar', '.health .mark', '.finding']) {
    const edge = await page
      .locator(shape)
      .first()
      .evaluate((one) => getComputedStyle(one).borderTopWidth)
    assert.notEqual(edge, '0px', `${shape} has an edge`)
  }
  await picture(page, 'card-forced-colours')
})

test('with the keyboard alone: open a card image, read it, copy the report', slow, async (t) => {
  const { page, home, card } = await desk(t)
  copyFileSync(cards.half, join(home, 'stick.img'))
  const keys = page.keyboard
  const focusName = () =>
    page.evaluate(() => {
      const one = document.activeElement
      return one?.getAttribute('aria-label') ?? one?.getAttribute('aria-valuetext') ?? one?.textContent ?? ''
    })
  const tabTo = async (name: RegExp) => {
    for (let steps = 0; steps < 60; steps++) {
      await keys.press('Tab')
      if (name.test(await focusName())) return
    }
    assert.fail(`Tab never came to ${name}`)
  }
  await tabTo(/^Open a card image to look at…/)
  await keys.press('Enter')
  await page.getByRole('dialog').getByText('stick.img').waitFor()
  await tabTo(/^stick\.img/)
  await keys.press('Enter')
  await card.seen()
  // In the order in which a person asks: what can I do, the parts, the regions, the details.
  await tabTo(/^Look again/)
  await tabTo(/^Write it to a card…/)
  await tabTo(/^Copy report/)
  await keys.press('Enter')
  await card.main.getByText(/clipboard/).waitFor()
  assert.match(await focusName(), /^Copy report/, 'the focus stays')
  await tabTo(/^System and other files /)
  await keys.press('ArrowRight')
  assert.match(await focusName(), /^Changes /)
  await tabTo(/^Region 1 of /)
  await tabTo(/^Partitions, exactly/)
  await keys.press('Enter')
  await card.main.getByText('sector 8,192', { exact: true }).waitFor()
})

test('German: the sentences around what the helper says', slow, async (t) => {
  const { page, app } = await desk(t, { language: 'de-DE' })
  await app.goTo('settings')
  await page.getByText('Deutsch, nicht vollständig').click()
  await page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
  await app.goTo(`card/${encodeURIComponent(cards.full)}`)
  await page.getByText('braucht Reparatur').first().waitFor()
  await page.getByText('Das Overlay, in dem Ihre Änderungen stehen, ist als ungültig gekennzeichnet.').waitFor()
  await picture(page, 'card-full-german')
})
