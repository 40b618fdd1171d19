import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { withFileDevice } from '../support/file-device.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { copyOfCard, type LamponeCard, type LamponeOptions, makeLampone, uuidOf } from '../support/lampone.ts'
import { cannotAil } from '../support/lampone-ailments.ts'
import { changeMenus, debugfs, overwrite } from '../support/lampone-damage.ts'
import { startFilesOf } from '../support/lampone-start.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { factsOfFolder, type TreeFacts } from '../support/tree-facts.ts'
import { cannotWasm } from '../support/wasm.ts'

const needs = ['e2fsck', 'setfattr', 'getfattr', 'setfacl', 'setcap', 'fallocate']
const skip = cannotAil() ?? cannotMount() ?? cannotWasm() ?? missingTools(...needs) ?? false

const folder = mkdtempSync(join(tmpdir(), 'livecard-reset-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const made = new Map<string, LamponeCard>()
function cardOf(t: TestContext, wanted: LamponeOptions): LamponeCard {
  const options = { bootMiB: 16, kernelMiB: 8, ...wanted }
  const key = JSON.stringify(options)
  const card = made.get(key) ?? makeLampone(folder, options)
  made.set(key, card)
  const copy = copyOfCard(card, folder)
  t.after(() => rmSync(copy.path))
  return copy
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** The persistence as the kernel mounts it. */
function within<T>({ path, persistence }: LamponeCard, use: (inside: string) => T, how = 'ro'): T {
  return mounted(path, `${how},offset=${persistence.startBytes},sizelimit=${persistence.sizeBytes}`, use)
}

function checkPersistence(card: LamponeCard): void {
  tool('e2fsck', ['-f', '-n', `${card.path}?offset=${card.persistence.startBytes}`])
}

const pairOf = (card: LamponeCard, place: LamponeCard['kernel']) =>
  withFileDevice(card.path, 512, (device) => startFilesOf(device, place))

async function reset(card: LamponeCard, ...words: string[]) {
  return runCli(['reset', card.path, '--yes', '--json', '--undo', `${card.path}.undo`, ...words])
}

type Answer = { plan?: { steps: string[]; notes: string[] }; report?: { findings: { id: string }[]; kernels: Kernel[] } }
type Kernel = { where: string; version: string; modules: string }
const answerOf = (stdout: string) => jsonLines(stdout).at(-1) as Answer

for (const layout of ['lampone', 'resilient'] as const) {
  test(`${layout}: after a reset the system is as it was delivered, and goes back to the byte`, { skip }, async (t) => {
    const card = cardOf(t, { layout, upgraded: true })
    const before = sha256(card.path)
    const { code, stdout, stderr } = await reset(card)
    assert.equal(code, 0, stderr)
    const { report } = answerOf(stdout)
    assert.deepEqual(report?.findings, [])
    assert.equal(report?.kernels.find(({ where }) => where === 'kernel')?.version, card.systemVersion)
    assert.equal(pairOf(card, card.kernel), pairOf(card, card.system))
    assert.equal(uuidOf(card.path, card.kernel), card.kernelUuid)
    checkPersistence(card)
    within(card, (inside) => {
      assert.deepEqual(readdirSync(inside).sort(), ['lost+found', 'persistence.conf', 'rw', 'work'])
      assert.deepEqual([...readdirSync(join(inside, 'rw')), ...readdirSync(join(inside, 'work'))], [])
      assert.equal(readFileSync(join(inside, 'persistence.conf'), 'utf8'), '/ union\n')
      // Somebody has to be able to save again.
      assert.equal(statSync(join(inside, 'rw')).mode & 0o777, 0o755)
    })
    const undoBytes = statSync(`${card.path}.undo`).size
    assert.ok(undoBytes < 1_000_000, `what is removed is not written over, and not kept: ${undoBytes}`)
    const undone = await runCli(['undo', `${card.path}.undo`, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(card.path), before)
    rmSync(`${card.path}.undo`)
  })
}

test('what is kept is there with everything about it, and around it the delivered system shows again', { skip }, async (t) => {
  const card = cardOf(t, { layout: 'lampone', upgraded: true, persistenceMiB: 128 })
  let before: TreeFacts = new Map()
  within(
    card,
    (inside) => {
      const home = join(inside, 'rw/home')
      mkdirSync(join(home, 'rich'))
      writeRichTree(join(home, 'rich'), { wideTimes: false, reserves: true })
      // The walker that compares reads names as UTF-8.
      rmSync(Buffer.concat([Buffer.from(`${home}/rich/`), Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x67])]))
      linkSync(join(home, 'rich/owned'), join(inside, 'rw/etc/other name'))
      mkdirSync(join(inside, 'rw/etc/ssh'))
      writeFileSync(join(inside, 'rw/etc/ssh/key'), 'secret\n', { mode: 0o600 })
      tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(inside, 'rw/etc')])
      tool('chown', ['1000:1000', home])
      before = factsOfFolder(join(inside, 'rw'))
    },
    'rw',
  )
  const { code, stdout, stderr } = await reset(card, '--keep', '/home/', '--keep', 'etc/ssh', '--keep', 'usr/bin/tool/..')
  assert.equal(code, 1, stdout)
  assert.match(stderr, /leads out of the folder above it/)
  const done = await reset(card, '--keep', '/home/', '--keep', 'etc/ssh')
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(answerOf(done.stdout).report?.findings, [])
  checkPersistence(card)
  within(card, (inside) => {
    const now = factsOfFolder(join(inside, 'rw'))
    const isKept = (path: string) => /^(home|etc\/ssh)(\/|$)/.test(path)
    const expected = [...before].filter(([path]) => isKept(path))
    assert.ok(expected.length > 700)
    // One name of a file lay outside of what was kept.
    const oneNameLess = (path: string, fact: string) => (path === 'home/rich/owned' ? fact.replace(' 2   5 ', ' 1   5 ') : fact)
    for (const [path, fact] of expected) {
      if (path === 'home') assert.equal(now.get(path)?.split(' ').slice(0, 4).join(), fact.split(' ').slice(0, 4).join())
      else assert.equal(now.get(path), oneNameLess(path, fact), path)
    }
    assert.deepEqual([...now.keys()].filter((path) => !isKept(path)).sort(), ['', 'etc'])
    assert.doesNotMatch(now.get('etc') ?? '', /opaque/)
    assert.equal(now.get('etc')?.split(' ').slice(0, 4).join(), before.get('etc')?.split(' ').slice(0, 4).join())
  })
  rmSync(`${card.path}.undo`)
})

test('a path that was not changed, was deleted or is nowhere costs nobody a file', { skip }, async (t) => {
  const card = cardOf(t, { layout: 'lampone' })
  const before = sha256(card.path)
  for (const [path, why] of [
    ['hmoe', /no such file or folder in the system/],
    ['etc/motd', /was deleted in the system/],
    ['/', /that is everything/],
  ] as const) {
    const { code, stderr } = await reset(card, '--keep', path)
    assert.equal(code, 1, path)
    assert.match(stderr, why)
    assert.equal(sha256(card.path), before)
  }
  const { code, stderr } = await reset(card, '--keep', 'usr/lib')
  assert.equal(code, 0, stderr)
  rmSync(`${card.path}.undo`)
})

test('a card that was pulled out is brought in order first', { skip }, async (t) => {
  const card = cardOf(t, { layout: 'lampone' })
  const journal = join(testFolder(t), 'journal')
  writeFileSync(journal, Buffer.alloc(4096, 'journal'))
  debugfs(card, 'jo -c', `jw -b 5000 ${journal}`, 'jc')
  const { code, stdout, stderr } = await reset(card)
  assert.equal(code, 0, stderr + stdout)
  checkPersistence(card)
  within(card, (inside) => assert.deepEqual(readdirSync(join(inside, 'rw')), []))
  rmSync(`${card.path}.undo`)
})

test('a kernel partition that cannot be read becomes the delivered one, with the identity that the menu looks for', {
  skip,
}, async (t) => {
  for (const knows of [true, false]) {
    const card = cardOf(t, { layout: 'liveng', changes: 'empty' })
    overwrite(card.path, card.kernel.startBytes, new Uint8Array(1024 * 1024))
    if (!knows) changeMenus(card, (text) => text.replaceAll(card.kernelUuid, card.systemUuid))
    const { code, stdout, stderr } = await reset(card)
    assert.equal(code, 0, stderr + stdout)
    assert.deepEqual(answerOf(stdout).report?.findings, [])
    assert.equal(pairOf(card, card.kernel), pairOf(card, card.system))
    const uuid = uuidOf(card.path, card.kernel)
    assert.equal(uuid === card.kernelUuid, knows)
    rmSync(`${card.path}.undo`)
  }
})

test('what cannot be reset says why, and is left alone', { skip }, async (t) => {
  const encrypted = cardOf(t, { layout: 'liveng', encrypted: true })
  const damaged = cardOf(t, { layout: 'lampone' })
  overwrite(damaged.path, damaged.persistence.startBytes, new Uint8Array(4096))
  const old = cardOf(t, { layout: 'lampone' })
  debugfs(old, 'mknod .wh..wh.aufs p')
  for (const [card, why] of [
    [encrypted, /it is encrypted/],
    [damaged, /it is damaged/],
    [old, /the form of an older system/],
  ] as const) {
    const before = sha256(card.path)
    const { code, stderr } = await reset(card)
    assert.equal(code, 1)
    assert.match(stderr, why)
    assert.equal(sha256(card.path), before)
  }
})

test('a system that was never changed has nothing to reset', { skip }, async (t) => {
  for (const changes of ['none', 'empty'] as const) {
    const card = cardOf(t, { layout: 'lampone', changes })
    const before = sha256(card.path)
    const { code, stdout } = await reset(card)
    assert.equal(code, 0)
    const { plan } = answerOf(stdout)
    assert.deepEqual(plan?.steps, [])
    assert.match(plan?.notes.join() ?? '', /No changes have been saved/)
    assert.equal(sha256(card.path), before)
  }
})
