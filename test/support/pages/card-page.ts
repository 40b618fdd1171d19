/** The card screen: what is on it, what is wrong, what can be done. */
import type { Locator, Page } from 'playwright-core'

export class CardPage {
  readonly page: Page
  readonly main: Locator
  /** How the card is, beside its name. */
  readonly health: Locator
  readonly findings: Locator
  /** The map of partitions; its parts are options. */
  readonly map: Locator
  readonly rooms: Locator
  readonly regions: Locator
  readonly kernels: Locator
  readonly slots: Locator
  readonly again: Locator

  constructor(page: Page) {
    this.page = page
    this.main = page.getByRole('main')
    this.health = page.locator('.health')
    this.findings = page.getByRole('region', { name: 'What was found' })
    this.map = page.getByRole('listbox', { name: /^What is on it/ })
    this.rooms = page.getByRole('region', { name: /^Room/ })
    this.regions = page.getByRole('slider', { name: /^Changes, region by region/ })
    this.kernels = page.getByRole('region', { name: /^Kernels/ })
    this.slots = page.getByRole('region', { name: /^Slots/ })
    this.again = page.getByRole('button', { name: 'Look again' })
  }

  /** From the start, through the browsing dialog. */
  async open(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Open a card image to look at…' }).click()
    await this.page.getByRole('dialog').getByRole('button', { name }).click()
    await this.seen()
  }

  async seen(): Promise<void> {
    await this.page.locator('.health').waitFor({ timeout: 30_000 })
    await this.again.waitFor()
  }

  finding(title: string | RegExp): Locator {
    return this.main.locator('.finding, .notes li').filter({ hasText: title })
  }

  /** What each part of the map says of itself. */
  async parts(): Promise<string[]> {
    const parts = await this.map.getByRole('option').all()
    return Promise.all(parts.map(async (part) => (await part.getAttribute('aria-label')) ?? ''))
  }

  async unfold(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click()
  }

  /** The value of a row of the details. */
  row(name: string): Locator {
    return this.main
      .locator('.rows > div')
      .filter({ has: this.page.getByText(name, { exact: true }) })
      .locator('dd')
      .first()
  }
}
