/** Repairing cards in the browser and taking it back, against the real helper and real images. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { Report } from '../../native-helpers/contract.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { assertAccessible, assertNoSideways } from '../support/accessible.ts'
import { cannotLoop, loopOf } from '../support/devices.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { CardPage } from '../support/pages/card-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { until } from '../support/patience.ts'
import { makePlainCard, noteErrors, noteNoErrors, plainCardTools } from '../support/plain-card.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, tool } from '../support/tools.ts'
import { cannotBrowse, openBrowser, openWebApp, picture, type WebAppOptions } from '../support/web-app.ts'

const cannotRepair =
  cannotBrowse() ??
  missingTools(...plainCardTools, 'perl', 'cp') ??
  (hasModules() ? false : 'this tree was built without the tools in WebAssembly')
const slow = { timeout: 180_000, skip: cannotRepair }

let browser: Browser
before(async () => {
  if (!cannotRepair) browser = await openBrowser()
})
after(() => browser?.close())

async function desk(t: TestContext, options?: WebAppOptions) {
  const web = await openWebApp(t, browser, options)
  const { page } = web
  return { ...web, app: new AppPage(page), card: new CardPage(page), change: new ChangePage(page) }
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

async function inspected(path: string): Promise<Report> {
  const { stdout } = await runCli(['inspect', '--json', path])
  return JSON.parse(stdout) as Report
}

/** Where a sparse file has data, as lseek(2) tells: 3 is SEEK_DATA, 4 SEEK_HOLE. */
const dataOf =
  'open F, "<", shift; $p = 0; while (defined($d = sysseek(F, $p, 3))) { $p = sysseek(F, $d, 4); print $d + 0, " ", $p + 0, "\n" }'

/** Without the holes that both have, which take the machine ten seconds to read. */
function same(one: string, other: string): boolean {
  if (statSync(one).size !== statSync(other).size) return false
  const [first, second] = [openSync(one, 'r'), openSync(other, 'r')]
  const bytesAt = (fd: number, from: number, to: number) => {
    const bytes = Buffer.alloc(to - from)
    assert.equal(readSync(fd, bytes, 0, bytes.length, from), bytes.length)
    return bytes
  }
  const ranges = [one, other].flatMap((path) => tool('perl', ['-e', dataOf, path]).trim().split('\n'))
  assert.ok(ranges.length > 2)
  try {
    return ranges.every((line) => {
      const [from = 0, to = 0] = line.split(' ').map(Number)
      return bytesAt(first, from, to).equals(bytesAt(second, from, to))
    })
  } finally {
    closeSync(first)
    closeSync(second)
  }
}

test('a stick that does not start: plan, question, repair, and back again from the history', slow, async (t) => {
  const { page, home, server, app, card, change } = await desk(t)
  const { path } = await makePracticeCard('liveos-invalid', home, { ifThere: 'leave' })
  const asItWas = join(home, 'as-it-was')
  execFileSync('cp', ['--sparse=always', path, asItWas])
  const writtenAt = statSync(path).mtimeMs
  await card.open('liveos-invalid.img')
  await card.finding('is marked as invalid').getByRole('button', { name: 'Repair…' }).click()

  await app.heading.filter({ hasText: 'Repair liveos-invalid.img' }).waitFor()
  await page.getByText('Nothing on it is changed.').waitFor()
  await change.planned()
  await change.main.getByText('nothing has been changed yet').waitFor()
  await change.part('What is wrong').getByText('is marked as invalid').waitFor()
  await change.part('What will be done').getByText('make the changes valid again').waitFor()
  await change.part('What stays').getByText('All files that can be read').waitFor()
  await change.part('What may be lost').getByText('Nothing that Livecard knows of.').waitFor()
  await change.part('Good to know').getByText('12 files as it is; after the repair there are 13').waitFor()
  const undoFile = await change.part('The way back').locator('code').innerText()
  assert.ok(undoFile.startsWith(join(home, '.state', 'livecard', 'undo')), undoFile)
  await assertAccessible(page, 'plan')
  await picture(page, 'repair-plan-light')

  assert.equal(await change.act.innerText(), 'Repair liveos-invalid.img…')
  await change.act.click()
  await change.question.getByRole('heading', { name: 'Repair liveos-invalid.img?' }).waitFor()
  await change.question.getByText(path, { exact: true }).waitFor()
  assert.equal(await change.confirm.innerText(), 'Repair liveos-invalid.img')
  await assertAccessible(page, 'question')
  assert.equal(await page.evaluate(() => document.activeElement?.tagName === 'BUTTON'), false, 'no button has the focus')
  await page.keyboard.press('Escape')
  await change.question.waitFor({ state: 'detached' })
  assert.equal(statSync(path).mtimeMs, writtenAt, 'a plan changes nothing')
  assert.ok(!existsSync(undoFile))

  await change.act.click()
  await change.confirm.click()
  await app.heading.filter({ hasText: 'Repairing liveos-invalid.img' }).waitFor()
  // It stands still, so that it can be looked at.
  server.kill('SIGSTOP')
  try {
    await change.main.getByText('It is brought to its end').waitFor()
    await change.main.getByText(undoFile, { exact: true }).waitFor()
    await change.main.getByRole('progressbar').waitFor()
    assert.equal(await change.main.getByRole('button').count(), 0, 'nothing offers to stop it')
    await assertAccessible(page, 'repairing')
    await picture(page, 'repair-running-light')
    await app.goTo('')
    const line = app.sideLine('liveos-invalid.img').filter({ hasText: 'Repairing' })
    await page.setViewportSize({ width: 360, height: 700 })
    await page
      .getByRole('navigation')
      .getByRole('link', { name: /^Repairing/ })
      .waitFor()
    await page.setViewportSize({ width: 1280, height: 860 })
    await line.click()
  } finally {
    server.kill('SIGCONT')
  }
  await change.outcome.getByText('Repaired, and nothing wrong was found afterwards.').waitFor({ timeout: 60_000 })
  await assertAccessible(page, 'result')
  await picture(page, 'repair-result-light')
  assert.ok(!same(path, asItWas))
  const mended = await inspected(path)
  assert.deepEqual(
    mended.findings.filter(({ severity }) => severity !== 'info'),
    [],
  )
  assert.equal(mended.overlays[0]?.state, 'ok')
  await app.sideLine('liveos-invalid.img').filter({ hasText: 'healthy' }).waitFor()
  await page.getByRole('link', { name: 'Look at the card' }).click()
  await card.health.filter({ hasText: 'healthy' }).waitFor()
  assert.equal(await card.finding('is marked as invalid').count(), 0)

  await app.sideLine('History').click()
  await change.undoFiles.filter({ hasText: 'can be taken back' }).getByText(`on ${path}`).waitFor()
  await assertAccessible(page, 'history')
  await page.getByRole('link', { name: 'Take it back… Repair liveos-invalid.img' }).click()
  await change.part('What will be done').getByText('as it was before').waitFor()
  await assertAccessible(page, 'undo')
  await change.goThrough()
  await change.outcome.getByText('The card is as it was before.').waitFor()
  assert.ok(same(path, asItWas), 'every byte is back')
  await app.sideLine('liveos-invalid.img').filter({ hasText: 'needs repair' }).waitFor()

  await app.goTo('history')
  await change.undoFiles.getByText('taken back', { exact: true }).waitFor()
  assert.equal(await page.getByRole('link', { name: /^Take it back/ }).count(), 0)
  await page.getByRole('button', { name: /^Remove… undo file of / }).click()
  await change.question.getByRole('button', { name: 'Keep it' }).click()
  assert.ok(existsSync(undoFile))
  await page.getByRole('button', { name: /^Remove… undo file of / }).click()
  await change.question.getByRole('button', { name: 'Remove the undo file' }).click()
  await page.getByRole('heading', { name: 'Nothing yet' }).waitFor()
  assert.ok(!existsSync(undoFile))
})

test('a card that something else wrote to since the plan is refused, in three parts', slow, async (t) => {
  const { page, home, card, app, change } = await desk(t)
  const path = makePlainCard(home)
  noteErrors(path)
  await card.open('plain.img')
  await page.getByRole('region', { name: 'What you can do' }).getByRole('button', { name: 'Repair…' }).click()
  await change.planned()
  noteNoErrors(path)
  const now = hashOf(path)
  await change.goThrough()
  await change.outcome.getByText('no longer as it was when the plan was made').waitFor()
  await change.outcome.getByText('What that means').waitFor()
  await change.outcome.getByText('Nothing was changed by Livecard.').waitFor()
  await change.outcome.getByText('What to do now').waitFor()
  await change.outcome.getByText('card-changed').waitFor()
  assert.equal(hashOf(path), now)
  assert.equal(await page.getByRole('link', { name: 'Take it back…' }).count(), 0, 'nothing was written')
  await app.sideLine('plain.img').filter({ hasText: 'the repair failed' }).waitFor()
  await page.getByRole('link', { name: 'Make a new plan' }).click()
  await change.outcome.getByText('There is nothing to repair.').waitFor()
  await page.getByRole('link', { name: 'To the card' }).click()
  await card.health.filter({ hasText: 'nothing wrong found' }).waitFor()
})

test('a plan can be stopped while it is made, and leaving the screen stops it', slow, async (t) => {
  const { page, home, server, app, change } = await desk(t)
  const path = makePlainCard(home)
  noteErrors(path)
  const asked: string[] = []
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const { call, params } = JSON.parse(String(payload))
      if (/^changes\.(plan|stop)$/.test(call)) asked.push(`${call} ${params.ticket}`)
    }),
  )
  await page.reload()
  await app.goTo(`card/${encodeURIComponent(path)}`)
  await page.getByRole('button', { name: 'Repair…' }).first().waitFor()
  // It stands still, so that it can be stopped.
  server.kill('SIGSTOP')
  try {
    await app.goTo(`repair/${encodeURIComponent(path)}`)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await change.main.getByText('The plan was not made to its end.').waitFor()
    await page.getByRole('button', { name: 'Make the plan again' }).click()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    await app.goTo('')
    await until(async () => assert.equal(asked.length, 4))
  } finally {
    server.kill('SIGCONT')
  }
  const [planned, stopped, again, left] = asked.map((line) => line.split(/ (.*)/s))
  assert.deepEqual(
    [planned?.[0], stopped?.[0], again?.[0], left?.[0]],
    ['changes.plan', 'changes.stop', 'changes.plan', 'changes.stop'],
  )
  assert.deepEqual([planned?.[1], again?.[1]], [stopped?.[1], left?.[1]], 'each stop names its plan')
})

test('a drive is repaired while the user looks elsewhere, and one that was used since is not taken back', {
  ...slow,
  skip: cannotRepair || (cannotLoop() ?? false),
}, async (t) => {
  const { page, home, app, card, change } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  const { path } = loopOf(t, image)
  await app.goTo(`repair/${encodeURIComponent(path)}`)
  await change.outcome.getByText('drive-virtual').waitFor()
  assert.equal(await app.sideLine(basename(path)).count(), 0, 'it is no file')
  await app.showVirtualDrives()
  await app.sideLine(basename(path)).click()
  await card.finding('notes that errors were found').getByRole('button', { name: 'Repair…' }).click()
  await change.planned()
  const act = await change.act.innerText()
  assert.match(act, /^Repair .*134\sMB…$/)
  await change.act.click()
  await change.question.getByText(path, { exact: true }).waitFor()
  await change.confirm.click()
  await app.goTo('')
  await app.sideLine(basename(path)).filter({ hasText: 'needs repair' }).waitFor({ state: 'detached' })
  await app.sideLine(basename(path)).filter({ hasText: 'no system that Livecard knows' }).waitFor()
  const { stdout } = await runCli(['inspect', '--json', path])
  assert.ok(!stdout.includes('ext-errors'))

  await app.goTo('history')
  await page.getByRole('link', { name: /^Take it back/ }).click()
  await change.planned()
  noteErrors(path)
  const now = hashOf(image)
  await change.goThrough()
  await change.outcome.getByText('undo-card-changed').waitFor()
  await change.outcome.getByText('If it works, keep it as it is').waitFor()
  assert.equal(hashOf(image), now)
})

test('an undo file that cannot be read says why, and a card that is not where it was can be named', slow, async (t) => {
  const { page, home, app, change } = await desk(t)
  const image = makePlainCard(home)
  noteErrors(image)
  const env = { XDG_STATE_HOME: join(home, '.state') }
  assert.equal((await runCli(['repair', '--yes', image], { env })).code, 0)
  const moved = join(home, 'moved.img')
  copyFileSync(image, moved)
  execFileSync('rm', [image])
  writeFileSync(join(home, '.state', 'livecard', 'undo', '0-torn.undo'), 'torn')
  await app.goTo('history')
  await change.undoFiles.filter({ hasText: 'cannot be read' }).getByText('is no usable undo file').waitFor()
  await page.getByRole('button', { name: 'Remove… undo file of “0-torn.undo”' }).click()
  await change.question.getByRole('button', { name: 'Remove the undo file' }).click()
  await until(async () => assert.equal(await change.undoFiles.count(), 1))

  await page.getByRole('link', { name: /^Take it back/ }).click()
  await change.outcome.getByText('There is no ').waitFor()
  await page.getByRole('button', { name: 'Choose a card file…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'moved.img' }).click()
  await change.planned()
  await change.main.getByText(moved, { exact: true }).waitFor()
  await change.goThrough()
  await change.outcome.getByText('The card is as it was before.').waitFor()
  assert.ok((await inspected(moved)).findings.some(({ id }) => id === 'ext-errors'))
})

test('repairing in the dark, 320 pixels wide: all of it can be read and reached', slow, async (t) => {
  const { page, home, app, change } = await desk(t, { theme: 'dark', width: 320, height: 700 })
  const image = makePlainCard(home, 'A card with a rather long name of a file.img')
  noteErrors(image)
  const look = async (screen: string) => {
    await assertNoSideways(page, screen)
    await picture(page, `repair-${screen}-narrow`)
  }
  await app.goTo(`repair/${encodeURIComponent(image)}`)
  await change.planned()
  await assertAccessible(page, 'plan, dark')
  await look('plan')
  await change.act.click()
  await change.confirm.waitFor()
  await look('question')
  await change.confirm.click()
  await change.outcome.waitFor()
  await look('result')
  await app.goTo('history')
  await change.undoFiles.first().waitFor()
  await assertAccessible(page, 'history, dark')
  await look('history')
  await page.getByRole('link', { name: /^Take it back/ }).click()
  await change.planned()
  await look('undo')
  await app.goTo(`repair/${encodeURIComponent(join(home, 'nowhere.img'))}`)
  await change.outcome.waitFor()
  await look('error')
})
