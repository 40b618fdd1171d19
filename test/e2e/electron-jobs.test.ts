/** The shell around a job that runs: quitting asks, the taskbar shows it, and a page that dies finds it again. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { ElectronApplication } from 'playwright-core'
import type { Report } from '../../native-helpers/contract.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { type Display, openDisplay } from '../support/display.ts'
import { helpersBelow, launchApp, type OpenedApp, type StagedApp, stageApp } from '../support/electron-app.ts'
import { AppPage } from '../support/pages/app-page.ts'
import { ChangePage } from '../support/pages/change-page.ts'
import { FlashPage } from '../support/pages/flash-page.ts'
import { PlanPage } from '../support/pages/plan-page.ts'
import { until } from '../support/patience.ts'
import { runCli } from '../support/run-cli.ts'
import { slowImage } from '../support/slow-image-server.ts'
import { testFolder } from '../support/tools.ts'

let display: Display
let staged: StagedApp

before(async () => {
  display = await openDisplay()
  staged = await stageApp()
})
after(async () => {
  await display?.close()
  staged?.remove()
})

async function withJob(t: TestContext, use: (opened: OpenedApp) => Promise<void>): Promise<void> {
  const opened = await launchApp(staged, { user: 'user', display: display.name })
  try {
    await recordShell(opened.app)
    await startJob(t, opened)
    await use(opened)
  } finally {
    await answerWith(opened.app, 1).catch(() => {})
    await opened.close()
  }
}

const limit = { timeout: 60_000 }
const jobHeading = /^Writing system to /

test('quitting in the middle asks first; the answer decides, and a job that is stopped is waited for', limit, (t) =>
  withJob(t, async ({ app, page }) => {
    await answerWith(app, 0)
    await app.evaluate(({ app: main }) => main.quit())
    await until(async () => assert.equal((await shell(app)).questions.length, 1))
    const [question] = (await shell(app)).questions
    assert.deepEqual(question?.buttons, ['Go on writing', 'Stop writing and quit'])
    assert.equal(question?.defaultId, 0)
    assert.equal(question?.cancelId, 0)
    await page.getByRole('heading', { name: jobHeading }).waitFor()

    const [helper] = helpersBelow(app.process().pid ?? 0)
    await answerWith(app, 1)
    const gone = new Promise<number | null>((resolve) => app.process().once('exit', resolve))
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {})
    assert.equal(await gone, 0)
    assert.ok(helper !== undefined && !existsSync(`/proc/${helper}`), 'the helper is still there')
  }),
)

test('the taskbar shows how far the job is', limit, (t) =>
  withJob(t, async ({ app }) => {
    await until(async () => {
      const { progress } = await shell(app)
      assert.ok(
        progress.some((fraction) => fraction > 0 && fraction < 1),
        `${progress}`,
      )
    })
  }),
)

test('the page dies in the middle: it comes back and finds the job running', limit, (t) =>
  withJob(t, async ({ app }) => {
    await app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents
      return new Promise<void>((resolve) => {
        contents?.once('did-finish-load', () => resolve())
        contents?.forcefullyCrashRenderer()
      })
    })
    const shown = () =>
      app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript('document.querySelector("h1")?.textContent ?? ""'),
      )
    await until(async () => assert.match(String(await shown()), jobHeading))
  }),
)

test('closing while a card is changed: it says so, waits for the end, and the card is whole', {
  timeout: 120_000,
  skip: hasModules() ? false : 'this tree was built without the tools in WebAssembly',
}, async (t) => {
  const opened = await launchApp(staged, { user: 'user', display: display.name })
  const { app, page, home } = opened
  let helper: number | undefined
  try {
    await recordShell(app)
    const { path } = await makePracticeCard('liveos-invalid', testFolder(t), { ifThere: 'leave' })
    const card = join(home, 'card.img')
    execFileSync('cp', ['--sparse=always', path, card])
    const { uid, gid } = statSync(home)
    chownSync(card, uid, gid)
    const [frame, change] = [new AppPage(page), new ChangePage(page)]
    await frame.heading.waitFor()
    await frame.goTo(`repair/${encodeURIComponent(card)}`)
    await change.planned()
    await change.act.click()
    await change.confirm.click()
    await page.getByRole('heading', { name: 'Repairing card.img' }).waitFor()
    helper = helpersBelow(app.process().pid ?? 0)[0]
    if (helper === undefined) return assert.fail('there is no helper')
    // Longer than a job that can be stopped would be waited for.
    process.kill(helper, 'SIGSTOP')
    await answerWith(app, 0)
    await app.evaluate(({ app: main }) => main.quit())
    await until(async () => assert.equal((await shell(app)).questions.length, 1))
    assert.deepEqual((await shell(app)).questions[0]?.buttons, ['Stay open', 'Close when it is done'])
    await answerWith(app, 1)
    const gone = new Promise<number | null>((resolve) => app.process().once('exit', resolve))
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
    await setTimeout(6000)
    assert.equal(app.process().exitCode, null, 'it did not wait')
    process.kill(helper, 'SIGCONT')
    assert.equal(await gone, 0)
    const { stdout } = await runCli(['inspect', '--json', card])
    assert.deepEqual((JSON.parse(stdout) as Report).findings, [])
  } finally {
    if (helper !== undefined && existsSync(`/proc/${helper}`)) process.kill(helper, 'SIGCONT')
    await answerWith(app, 1).catch(() => {})
    await opened.close()
  }
})

/** From a slow server, so that it lasts; to a card file, which every user may write. */
async function startJob(t: TestContext, { page, home }: OpenedApp): Promise<void> {
  const image = await slowImage(t, Buffer.alloc(96 * 1024 * 1024, 0x5a), 'system.img')
  const [app, flash, plan] = [new AppPage(page), new FlashPage(page), new PlanPage(page)]
  await app.heading.waitFor()
  await app.goTo('write')
  await flash.chooseAddress(image.url)
  await flash.chooseCardFile(join(home, 'card.img'), '0.2')
  await flash.showPlan.click()
  await plan.goThrough()
  await page.getByRole('heading', { name: jobHeading }).waitFor()
}

interface Shell {
  questions: { buttons?: string[]; defaultId?: number; cancelId?: number }[]
  progress: number[]
  answer: number
}

/** The system's own dialogs and taskbar cannot be reached from here, so what the shell asks of them is written down. */
async function recordShell(app: ElectronApplication): Promise<void> {
  await app.evaluate(({ BrowserWindow, dialog }) => {
    const record: Shell = { questions: [], progress: [], answer: 0 }
    Object.assign(globalThis, { shell: record })
    dialog.showMessageBox = ((_window: unknown, question: Shell['questions'][number]) => {
      record.questions.push(question)
      return Promise.resolve({ response: record.answer, checkboxChecked: false })
    }) as typeof dialog.showMessageBox
    const [window] = BrowserWindow.getAllWindows()
    if (window) window.setProgressBar = (fraction) => record.progress.push(fraction)
  })
}

function shell(app: ElectronApplication): Promise<Shell> {
  return app.evaluate(() => (globalThis as unknown as { shell: Shell }).shell)
}

async function answerWith(app: ElectronApplication, answer: number): Promise<void> {
  await app.evaluate((_electron, chosen) => {
    ;(globalThis as unknown as { shell: Shell }).shell.answer = chosen
  }, answer)
}
