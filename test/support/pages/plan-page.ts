/** The plan and the last question. */
import type { Locator, Page } from 'playwright-core'

export class PlanPage {
  readonly page: Page
  readonly act: Locator
  readonly question: Locator
  readonly confirm: Locator
  readonly leave: Locator

  constructor(page: Page) {
    this.page = page
    this.act = page.getByRole('button', { name: /^(Replace everything on|Write to) .*…$/ })
    this.question = page.getByRole('alertdialog')
    this.confirm = this.question.getByRole('button', { name: /^(Replace everything on|Write to) / })
    this.leave = this.question.getByRole('button', { name: /^Leave / })
  }

  async goThrough(): Promise<void> {
    await this.act.click()
    await this.confirm.click()
  }
}
