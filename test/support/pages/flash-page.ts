/** The three decisions: image, drive, write. */
import type { Locator, Page } from 'playwright-core'

export class FlashPage {
  readonly page: Page
  readonly image: Locator
  readonly drives: Locator
  readonly showPlan: Locator
  readonly compare: Locator

  constructor(page: Page) {
    this.page = page
    this.image = page.getByRole('region', { name: 'Image' })
    this.drives = page.getByRole('region', { name: 'Card or stick' })
    this.showPlan = page.getByRole('button', { name: 'Show the plan…' })
    this.compare = page.getByRole('button', { name: 'Compare now' })
  }

  /** Through the browsing dialog, which begins in the user's home. */
  async chooseImage(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Open a file…' }).click()
    await this.page.getByRole('dialog').getByRole('button', { name }).click()
    await this.image.getByText('On the card').waitFor()
  }

  async chooseAddress(url: string): Promise<void> {
    await this.image.getByRole('textbox', { name: 'Web address of an image' }).fill(url)
    await this.image.getByRole('button', { name: 'Look at it' }).click()
    await this.image.getByText('On the card').waitFor()
  }

  driveCard(path: string): Locator {
    return this.drives.locator('label').filter({ has: this.page.getByText(path, { exact: true }) })
  }

  async chooseDrive(path: string): Promise<void> {
    await this.driveCard(path).click()
  }

  async chooseCardFile(path: string, sizeGigabytes: string): Promise<void> {
    await this.drives.getByText('Card image file, for practice').click()
    await this.drives.getByRole('textbox', { name: 'Where to put it' }).fill(path)
    await this.drives.getByRole('textbox', { name: 'As large as' }).fill(sizeGigabytes)
  }

  async setReadBack(on: boolean): Promise<void> {
    const option = this.page.getByRole('switch', { name: /Read back and compare/ })
    if ((await option.isChecked()) !== on) await this.page.getByText('Read back and compare', { exact: true }).click()
  }
}
