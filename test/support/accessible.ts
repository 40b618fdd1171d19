import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** axe finds nothing to say against this screen, in all its rules. */
export async function assertAccessible(page: Page, screen: string): Promise<void> {
  await page.evaluate(axe.source)
  const { violations, passes } = await page.evaluate(() => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    return axe.run(document, { resultTypes: ['violations', 'passes'] })
  })
  const said = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
  assert.deepEqual(said, [], `axe on the screen "${screen}"`)
  assert.ok(passes.length > 10, `axe looked at ${screen}`)
}

/** Nothing sticks out to the right: a narrow window or a large zoom needs no scrolling to and fro. */
export async function assertNoSideways(page: Page, screen: string): Promise<void> {
  const { beyond, names } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const wide = [...document.querySelectorAll('#app *')].filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
    return { beyond: scrollWidth - clientWidth, names: wide.slice(0, 5).map((one) => `${one.tagName} ${one.className}`) }
  })
  assert.ok(beyond <= 0, `the screen "${screen}" is ${beyond} px too wide: ${names.join(', ')}`)
}
