/** Changing a card and taking it back: what is asked for, the plan, the last question, how it goes and how it ended. */
import type { Locator, Page } from 'playwright-core'

export class ChangePage {
  readonly page: Page
  readonly main: Locator
  /** On the plan; its words end with three dots. */
  readonly act: Locator
  /** Leads to the plan from where a job is told what to do. */
  readonly showPlan: Locator
  readonly question: Locator
  readonly confirm: Locator
  readonly leave: Locator
  readonly outcome: Locator
  readonly undoFiles: Locator

  constructor(page: Page) {
    const acts = /^(Repair|Enlarge|Customise|Start afresh on|Merge into|Restore to|Take back) /
    this.page = page
    this.main = page.getByRole('main')
    this.act = this.main.locator('.screen-end').getByRole('button', { name: acts })
    this.showPlan = this.main.locator('.screen-end').getByRole('button', { name: 'Show the plan…' })
    this.question = page.getByRole('alertdialog')
    this.confirm = this.question.getByRole('button', { name: acts })
    this.leave = this.question.getByRole('button', { name: 'Leave it as it is' })
    this.outcome = page.getByRole('alert')
    this.undoFiles = page.getByRole('region', { name: 'What can be taken back' }).getByRole('listitem')
  }

  /** A row of a tree of files. */
  row(name: string | RegExp): Locator {
    return this.main.getByRole('tree').getByRole('treeitem', { name })
  }

  /** In the browsing dialog, which is open. */
  async browseTo(name: string): Promise<void> {
    await this.page.getByRole('dialog').getByRole('button', { name }).click()
  }

  async planned(): Promise<void> {
    await this.act.waitFor({ timeout: 60_000 })
  }

  async goThrough(): Promise<void> {
    await this.planned()
    await this.act.click()
    await this.confirm.click()
    await this.outcome.waitFor({ timeout: 60_000 })
  }

  part(name: string): Locator {
    return this.main.locator('section').filter({ has: this.page.getByRole('heading', { name, exact: true }) })
  }
}
