/** The window's frame: where one can go, and what the left part says. */
import type { Locator, Page } from 'playwright-core'

export class AppPage {
  readonly page: Page
  readonly side: Locator
  readonly heading: Locator

  constructor(page: Page) {
    this.page = page
    this.side = page.getByRole('navigation', { name: 'Cards, image files and history' })
    this.heading = page.getByRole('heading', { level: 1 })
  }

  /** As a typed address or the back button does. */
  async goTo(fragment: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to
    }, `#/${fragment}`)
  }

  async showVirtualDrives(): Promise<void> {
    await this.goTo('settings')
    await this.page.getByRole('switch', { name: /Show virtual drives/ }).waitFor({ state: 'attached' })
    await this.page.getByText('Show virtual drives').click()
  }

  sideLine(words: string | RegExp): Locator {
    return this.side.getByRole('link').filter({ hasText: words })
  }
}
