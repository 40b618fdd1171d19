import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { report as reportSchema, requests } from '../../native-helpers/contract.ts'
import { createHandlers } from '../../native-helpers/handlers.ts'
import { practiceCards } from '../../native-helpers/jobs/demo/index.ts'
import { listPracticeCards, makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { inspect } from '../../native-helpers/jobs/inspect.ts'
import { createJobRunner } from '../../native-helpers/jobs/runner.ts'
import { findingKinds } from '../../native-helpers/systems/all-findings.ts'
import { hasModules } from '../../native-helpers/wasm/modules.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { testFolder } from '../support/tools.ts'

const without = hasModules() ? null : 'the tools for ext volumes are not built here'
/** What a card may take on the disk of whoever practises. */
const mostOnDisk = 64 * 1024 * 1024

/** The families' own tests look at every card; here it is the way through the thread, the contract and the list of findings. */
const firstOfEach = practiceCards.filter(({ system }, index, all) => all.findIndex((other) => other.system === system) === index)

for (const card of firstOfEach) {
  test(`practice card ${card.id}: small on disk, and inspecting it tells what is wrong with it`, async (t) => {
    if (card.needsTools && without) return t.skip(without)
    const folder = testFolder(t)
    const made = await makePracticeCard(card.id, folder, { ifThere: 'leave' })
    assert.equal(made.sizeBytes, card.sizeBytes)
    assert.ok(made.allocatedBytes < mostOnDisk, `${made.allocatedBytes} bytes on disk`)
    const report = reportSchema.parse(await inspect({ path: made.path }))
    assert.equal(report.system?.id, card.system)
    const ids = report.findings.map(({ id }) => id)
    for (const id of card.findings) assert.ok(ids.includes(id), `${id} is not among ${ids.join(', ')}`)
    const errors = report.findings.filter(({ severity }) => severity === 'error').map(({ id }) => id)
    if (card.ailment === null) assert.deepEqual(errors, [])
    else assert.ok(card.findings.length > 0)
    // What is found on a card of our own making is known to the list of findings.
    const known = new Set(findingKinds.flatMap(({ kinds }) => Object.keys(kinds)))
    for (const id of ids) assert.ok(known.has(id), id)
    assert.ok(report.reading.bytesRead < 64 * 1024 * 1024, `${report.reading.bytesRead} bytes were read`)
  })
}

test('a card that is there is left as it is, or gets a neighbour; one that is stopped leaves nothing', async (t) => {
  const card = practiceCards.find(({ needsTools }) => !needsTools || !without)
  if (!card) return t.skip(without ?? assert.fail('there are no practice cards'))
  const folder = testFolder(t)
  const taken = join(folder, `${card.id}.img`)
  writeFileSync(taken, 'mine')
  const left = await makePracticeCard(card.id, folder, { ifThere: 'leave' })
  assert.deepEqual([left.wasThere, readFileSync(taken, 'utf8')], [true, 'mine'])
  const beside = await makePracticeCard(card.id, folder, { ifThere: 'number' })
  assert.deepEqual([beside.wasThere, beside.path], [false, join(folder, `${card.id}-2.img`)])
  assert.equal(readFileSync(taken, 'utf8'), 'mine')

  const other = join(folder, 'new', 'folder')
  const controller = new AbortController()
  const ended = makePracticeCard(card.id, other, { ifThere: 'leave', signal: controller.signal })
  setTimeout(() => controller.abort(), 30)
  await assert.rejects(ended, { code: 'cancelled' })
  assert.deepEqual(existsSync(other) ? readdirSync(other) : [], [])
  await assert.rejects(makePracticeCard('no-such-card', folder, { ifThere: 'leave' }), { code: 'demo-unknown' })
  await assert.rejects(makePracticeCard(card.id, '/proc/1/practice', { ifThere: 'leave' }), { code: 'demo-place' })
  await assert.rejects(makePracticeCard(card.id, taken, { ifThere: 'leave' }), { code: 'demo-place' })
})

test('the verb lists the cards, makes those that are named, and says where they are', async (t) => {
  const [card] = practiceCards
  assert.ok(card, 'there are no practice cards')
  if (card.needsTools && without) return t.skip(without)
  const folder = testFolder(t)
  const listed = await runCli(['demo'])
  assert.equal(listed.code, 0)
  assert.deepEqual(
    listed.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    practiceCards.map(({ id }) => id),
  )
  const made = await runCli(['demo', folder, card.id, '--json'])
  assert.equal(made.code, 0, made.stderr)
  const [document] = jsonLines(made.stdout) as { cards?: { id: string; path: string; allocatedBytes: number }[] }[]
  assert.deepEqual(
    document?.cards?.map(({ id, path }) => [id, path]),
    [[card.id, join(folder, `${card.id}.img`)]],
  )
  assert.deepEqual(readdirSync(folder), [`${card.id}.img`])
  const times = () => {
    const { mtimeNs, ctimeNs, ino } = statSync(join(folder, `${card.id}.img`), { bigint: true })
    return [mtimeNs, ctimeNs, ino]
  }
  const before = times()
  const again = await runCli(['demo', folder, card.id])
  assert.match(again.stdout, /was there already/)
  assert.deepEqual(times(), before)
})

test('the contract lists practice cards and makes one', async (t) => {
  const [card] = practiceCards
  assert.ok(card, 'there are no practice cards')
  if (card.needsTools && without) return t.skip(without)
  const folder = testFolder(t)
  const runner = createJobRunner({ stateFolder: folder })
  t.after(() => runner.close())
  const handlers = createHandlers(runner)
  const caller = { emit() {}, onClose() {} }
  const listed = requests['demo.list'].answer.parse(await handlers['demo.list']({}, caller))
  assert.deepEqual(
    listed.map(({ id }) => id),
    listPracticeCards().map(({ id }) => id),
  )
  assert.deepEqual(await handlers['demo.make']({ id: card.id, folder }, caller), { path: join(folder, `${card.id}.img`) })
})

test('the ids of practice cards are unique, and each is of a system that is known', () => {
  const ids = practiceCards.map(({ id }) => id)
  assert.deepEqual([...new Set(ids)], ids)
  for (const { id } of practiceCards) assert.match(id, /^[a-z0-9-]+$/)
})
