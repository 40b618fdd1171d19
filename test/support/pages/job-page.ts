/** A job while it runs and when it has ended. */
import type { Locator, Page } from 'playwright-core'

export class JobPage {
  readonly page: Page
  readonly stop: Locator
  readonly outcome: Locator
  readonly checks: Locator

  constructor(page: Page) {
    this.page = page
    this.stop = page.getByRole('button', { name: 'Stop…' })
    this.outcome = page.getByRole('alert')
    this.checks = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Checks' }) })
  }

  async running(): Promise<void> {
    await this.page.getByRole('progressbar').first().waitFor()
  }

  async ended(): Promise<void> {
    await this.outcome.waitFor({ timeout: 60_000 })
  }
}
