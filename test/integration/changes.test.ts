import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Change } from '../../native-helpers/contract.ts'
import { Changes } from '../../native-helpers/jobs/changes.ts'
import { Tickets } from '../../native-helpers/jobs/tickets.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = missingTools('sfdisk', 'truncate') ?? false

test('a change is planned, started once with a yes to its card, listed, and taken back', { skip }, async (t) => {
  const folder = testFolder(t)
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = join(folder, 'state')
  t.after(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const card = join(folder, 'card.img')
  tool('truncate', ['-s', '64M', card])
  tool('sfdisk', ['-q', card], { input: 'label: gpt\nsize=20480\n' })
  const bytes = readFileSync(card)
  bytes.fill(0, 512, 1024)
  writeFileSync(card, bytes)

  const changes = new Changes()
  const told: Change[] = []
  changes.onChange((change) => told.push(change))
  const ended = async (id: string) => {
    await changes.close()
    return changes.list().find((change) => change.id === id) ?? assert.fail('it is not listed')
  }
  const plan = await changes.plan({ job: 'repair', path: card, base: null, allowVirtual: false, options: {} })
  assert.equal(plan.steps.length, 1)
  assert.throws(() => changes.start(plan.planId, '/another/card'), { code: 'drive-changed' })
  const done = await ended(changes.start(plan.planId, card))
  assert.equal(done.state, 'done', JSON.stringify(done.error))
  assert.deepEqual(done.report?.table.problems, [])
  assert.equal(done.doneBytes, done.totalBytes)
  assert.equal(told.at(-1)?.state, 'done')
  assert.throws(() => changes.start(plan.planId, card), { code: 'plan-unknown' })

  const [file] = await changes.undoFiles()
  assert.equal(file?.file, plan.undoPath)
  assert.deepEqual([file?.state, file?.path, file?.problem], ['ready', card, null])
  const undo = await changes.planUndo({ file: plan.undoPath, path: null, allowVirtual: false })
  const back = await ended(changes.startUndo(undo.planId, card))
  assert.equal(back.state, 'done', JSON.stringify(back.error))
  assert.ok(readFileSync(card).equals(bytes))
  assert.equal((await changes.undoFiles())[0]?.state, 'already')

  await assert.rejects(changes.removeUndoFile(card), { code: 'undo-file-elsewhere' })
  await changes.removeUndoFile(plan.undoPath)
  assert.deepEqual(await changes.undoFiles(), [])
})

test('a plan that nobody waits for is stopped, by its ticket or because who asked is gone', { skip }, async (t) => {
  const card = join(testFolder(t), 'card.img')
  tool('truncate', ['-s', '64M', card])
  tool('sfdisk', ['-q', card], { input: 'label: gpt\nsize=20480\n' })
  const changes = new Changes()
  const tickets = new Tickets()
  const closers: (() => void)[] = []
  const asker = { onClose: (closer: () => void) => void closers.push(closer) }
  const request = { job: 'repair', path: card, base: null, allowVirtual: false, options: {} } as const
  const making = (ticket: string) => tickets.run(ticket, asker, (signal) => changes.plan(request, signal))
  const stopped = { code: 'cancelled', meaning: /Nothing was changed/ }

  const [first, second] = [making('first'), making('second')]
  tickets.stop('first')
  await assert.rejects(first, stopped)
  assert.equal((await second).job, 'repair', 'the other one goes on')
  const third = making('third')
  for (const close of closers) close()
  await assert.rejects(third, stopped)
  assert.equal(closers.length, 1)
})
