import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Drive } from '../../native-helpers/contract.ts'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { watchDrives } from '../../native-helpers/drives/watch.ts'
import { cannotLoop, cannotZram, withLoop, withZram } from '../support/devices.ts'
import { testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 * 1024
const promptMs = 2000

const shows = (drives: Drive[], path: string) => drives.some(({ identity }) => identity.path === path)

/** Every list that was told, and a wait for one that is as wished. */
function watching(t: TestContext) {
  const told: Drive[][] = []
  let wake = () => {}
  const end = watchDrives((drives) => {
    told.push(drives)
    wake()
  })
  t.after(end)
  const wait = async (wish: (drives: Drive[]) => boolean): Promise<number> => {
    const started = performance.now()
    while (!told.some(wish)) {
      assert.ok(performance.now() - started < 10_000, 'it was never told')
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), sleep(100)])
    }
    return performance.now() - started
  }
  return { told, wait, end }
}

test('a drive that appears, is mounted and vanishes is told at once', { skip: cannotLoop() ?? false }, async (t) => {
  await listDrives()
  const watch = watching(t)
  await sleep(500)
  const { path, detach } = withLoop(t, { sizeBytes: 64 * mebibyte })
  const appeared = await watch.wait((drives) => shows(drives, path))
  assert.ok(appeared < promptMs, `it took ${appeared} ms to appear`)

  tool('mkfs.ext4', ['-q', path])
  const place = testFolder(t)
  tool('mount', [path, place])
  const isMounted = (drives: Drive[]) =>
    drives.some(({ identity, whole }) => identity.path === path && whole.mounts.includes(place))
  try {
    const mounted = await watch.wait(isMounted)
    assert.ok(mounted < promptMs, `it took ${mounted} ms to be seen mounted`)
  } finally {
    tool('umount', [place])
  }
  detach()
  watch.told.length = 0
  const vanished = await watch.wait((drives) => !shows(drives, path))
  assert.ok(vanished < promptMs, `it took ${vanished} ms to vanish`)
  t.diagnostic(`appeared in ${Math.round(appeared)} ms, vanished in ${Math.round(vanished)} ms`)
})

test('a zram device that gets a size is told at once', { skip: cannotZram() ?? false }, async (t) => {
  const watch = watching(t)
  await sleep(500)
  const path = await withZram(t, { sizeBytes: 32 * mebibyte })
  const took = await watch.wait((drives) => shows(drives, path))
  assert.ok(took < promptMs, `it took ${took} ms`)
})

test('a change between the first list and the start of watching is not lost', { skip: cannotLoop() ?? false }, async (t) => {
  await listDrives()
  const { path } = withLoop(t, { sizeBytes: 16 * mebibyte })
  const watch = watching(t)
  await watch.wait((drives) => shows(drives, path))
})

test('two lists that are told one after the other are never the same', { skip: cannotLoop() ?? false }, async (t) => {
  const watch = watching(t)
  await sleep(300)
  for (let round = 0; round < 3; round++) {
    const { path, detach } = withLoop(t, { sizeBytes: 16 * mebibyte })
    await watch.wait((drives) => shows(drives, path))
    detach()
    await sleep(400)
  }
  const texts = watch.told.map((drives) => JSON.stringify(drives))
  for (const [index, text] of texts.entries()) assert.notEqual(text, texts[index - 1])
})

test('all listeners share one watcher, which ends with the last of them', { skip: process.platform !== 'linux' }, async (t) => {
  const children = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
          return stat.includes('(udevadm)') && stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(process.pid)
        } catch {
          return false
        }
      })
  // The watchers of the tests before take a moment to go.
  await sleep(300)
  const before = children().length
  const watches = [watching(t), watching(t), watching(t)]
  await sleep(500)
  assert.ok(children().length - before <= 1, 'one child at most')
  for (const watch of watches) watch.end()
  await sleep(300)
  assert.equal(children().length, before)
})
