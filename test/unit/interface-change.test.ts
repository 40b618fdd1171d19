import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../native-helpers/contract.ts'
import { amountOf, changeFraction, changeOnPath, runningChanges, useChanges, writtenBytes } from '../../renderer/state/changes.ts'
import { addressOf, type Route, routeOf } from '../../renderer/state/route.ts'

function change(id: string, changes: Partial<Change> = {}): Change {
  const amounts = { doneBytes: 0, totalBytes: 0 }
  const ended = { endedAt: null, undoPath: '/undo/a.undo', report: null, error: null }
  return { id, job: 'repair', label: 'Card', path: '/dev/sdb', state: 'running', startedAt: 100, ...amounts, ...ended, ...changes }
}

test('a repair first keeps what stands there, then writes as much; taking back only writes', () => {
  const at = (job: Change['job'], doneBytes: number, totalBytes: number) => amountOf({ job, doneBytes, totalBytes })
  assert.deepEqual(at('repair', 0, 0), { stage: 'reading', doneBytes: 0, totalBytes: 0 })
  assert.deepEqual(at('repair', 30, 200), { stage: 'keeping', doneBytes: 30, totalBytes: 100 })
  assert.deepEqual(at('repair', 130, 200), { stage: 'writing', doneBytes: 30, totalBytes: 100 })
  assert.deepEqual(at('repair', 200, 200), { stage: 'looking', doneBytes: 100, totalBytes: 100 })
  assert.deepEqual(at('undo', 30, 100), { stage: 'writing', doneBytes: 30, totalBytes: 100 })
  assert.equal(writtenBytes({ job: 'repair', doneBytes: 90, totalBytes: 200 }), 0, 'kept is not written')
  assert.equal(writtenBytes({ job: 'repair', doneBytes: 200, totalBytes: 200 }), 100)
  assert.equal(writtenBytes({ job: 'undo', doneBytes: 100, totalBytes: 100 }), 100)
})

test('how far a change is, is not known before it counts', () => {
  assert.equal(changeFraction({ doneBytes: 0, totalBytes: 0 }), null)
  assert.equal(changeFraction({ doneBytes: 50, totalBytes: 200 }), 0.25)
})

test('a card has the newest change that began while it was there, or one that runs', () => {
  const changes = {
    old: change('old', { state: 'failed', startedAt: 50 }),
    done: change('done', { state: 'done', startedAt: 150 }),
    other: change('other', { path: '/dev/sdc', startedAt: 500 }),
  }
  assert.equal(changeOnPath(changes, '/dev/sdb', 0)?.id, 'done')
  assert.equal(changeOnPath(changes, '/dev/sdb', 100)?.id, 'done')
  assert.equal(changeOnPath(changes, '/dev/sdb', 200), null, 'another card is in the reader now')
  assert.equal(changeOnPath({ ...changes, now: change('now', { startedAt: 160 }) }, '/dev/sdb', 200)?.id, 'now')
  assert.deepEqual(
    runningChanges({ ...changes, now: change('now', { startedAt: 900 }) }).map(({ id }) => id),
    ['now', 'other'],
  )
})

test('a change that the helper took with it is told of by the next one, unless that still knows it', (t) => {
  // Node has none; a page's own survives its reload.
  const written = new Map<string, string>()
  const storage = {
    getItem: (key: string) => written.get(key) ?? null,
    setItem: (key: string, value: string) => written.set(key, value),
  }
  Object.defineProperty(globalThis, 'sessionStorage', { value: storage, configurable: true })
  t.after(() => Reflect.deleteProperty(globalThis, 'sessionStorage'))
  const store = useChanges.getState()
  store.listed([change('ended', { state: 'done' }), change('cut')])
  store.helperLost()
  store.knownAgain([change('cut', { state: 'done' })])
  assert.deepEqual(useChanges.getState().interrupted, [])
  store.knownAgain([])
  assert.deepEqual(useChanges.getState().interrupted, [{ id: 'cut', job: 'repair', label: 'Card' }])
})

test('the screens of a change survive the address bar', () => {
  const routes: Route[] = [
    { screen: 'change-plan', job: 'repair', path: '/home/me/a card/50 %.img' },
    { screen: 'wish', job: 'enlarge', path: '/dev/sdb' },
    { screen: 'change-plan', job: 'enlarge', path: 'plan/of/it.img' },
    { screen: 'undo', file: '/home/me/.local/state/livecard/undo/1 #.undo' },
    { screen: 'change', id: 'c-1' },
  ]
  for (const route of routes) assert.deepEqual(routeOf(addressOf(route)), route)
})
