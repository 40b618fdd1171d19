/** What can be made larger, and how far: what is promised is what enlarging does. */
import assert from 'node:assert/strict'
import { copyFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Growing } from '../../native-helpers/contract.ts'
import { growingOnCard } from '../../native-helpers/jobs/change.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { fixtureImage, fixtureOverlay, liveosTools, makeStick, stickFiles } from '../support/liveos.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const skip =
  missingTools(...liveosTools, ...lamponeTools, 'mke2fs') ??
  (hasModules() ? false : 'this tree was built without the tools in WebAssembly')

/** Enlarges to `to` bytes, and answers what can grow then. */
async function enlarged(path: string, { what }: Growing, to: number): Promise<Growing | undefined> {
  const { code, stderr } = await runCli([
    'enlarge',
    path,
    '--what',
    what,
    '--to',
    String(to),
    '--yes',
    '--undo',
    `${path}.${to}.undo`,
  ])
  assert.equal(code, 0, stderr)
  return (await growingOnCard(path, null)).find((one) => one.what === what)
}

async function assertTooLarge(path: string, { what, maxBytes }: Growing): Promise<void> {
  const { code, stderr } = await runCli(['enlarge', path, '--what', what, '--to', String(maxBytes + MiB), '--plan'])
  assert.equal(code, 1, `${what} grows beyond what was said`)
  assert.match(stderr, /at most/)
}

test('the overlay of a stick: to the last chunk that is said, and not to a size at which the kernel loses count', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const path = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half') }))
  const [overlay, ...others] = await growingOnCard(path, null)
  assert.ok(overlay && others.length === 0)
  assert.deepEqual([overlay.what, overlay.limit, overlay.problem, overlay.stepBytes], ['overlay', 'stick', null, 4096])
  assert.equal(overlay.trapEverySteps, 257)
  await assertTooLarge(path, overlay)
  const trap = (Math.ceil(overlay.leastBytes / 4096 / 257) * 257 + 1) * 4096
  assert.ok(trap < overlay.maxBytes)
  assert.equal((await enlarged(path, overlay, trap))?.nowBytes, trap - 4096)
  const most = await enlarged(path, overlay, overlay.maxBytes)
  assert.ok(most && overlay.maxBytes - most.nowBytes < 2 * 4096, `${most?.nowBytes} of ${overlay.maxBytes}`)
  assert.match(most.problem ?? '', /no room for more/)
})

test('an overlay that has to be repaired first says so, and one alone may grow by a bounded amount', { skip }, async (t) => {
  const folder = testFolder(t)
  const path = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('full-invalid') }))
  assert.match((await growingOnCard(path, null))[0]?.problem ?? '', /repair it first/)
  const alone = join(folder, 'overlay')
  writeFileSync(alone, fixtureOverlay('half'))
  const base = join(folder, 'base.img')
  copyFileSync(fixtureImage, base)
  const [overlay] = await growingOnCard(alone, base)
  assert.deepEqual([overlay?.limit, overlay?.problem], ['alone', null])
})

test('the persistence of a Lampone Pi card: to the end of the card', { skip }, async (t) => {
  const { path } = makeLampone(testFolder(t), { layout: 'lampone', tailMiB: 64 })
  const [persistence, ...others] = await growingOnCard(path, null)
  assert.ok(persistence && others.length === 0)
  assert.deepEqual([persistence.what, persistence.limit, persistence.problem], ['persistence', 'card', null])
  assert.ok(persistence.maxBytes - persistence.nowBytes > 60 * MiB)
  await assertTooLarge(path, persistence)
  const most = await enlarged(path, persistence, persistence.maxBytes)
  assert.equal(most?.nowBytes, persistence.maxBytes)
  assert.match(most?.problem ?? '', /no room behind it/)
})

test('home and overlay stand beside each other; a card without partitions has nothing that grows', { skip }, async (t) => {
  const folder = testFolder(t)
  const { path } = await makePracticeCard('liveos-healthy', folder, { ifThere: 'leave' })
  assert.deepEqual(
    (await growingOnCard(path, null)).map(({ what }) => what),
    ['overlay', 'home'],
  )
  const bare = join(folder, 'bare.img')
  writeFileSync(bare, '')
  truncateSync(bare, 8 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', bare])
  await assert.rejects(growingOnCard(bare, null), { code: 'enlarge-impossible' })
})
