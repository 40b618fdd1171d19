import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { type LamponeFinding, lamponeFindings } from '../../native-helpers/systems/lampone/findings.ts'
import { lampone } from '../../native-helpers/systems/lampone/index.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import {
  type CardPlace,
  copyOfCard,
  type LamponeCard,
  type LamponeLayout,
  type LamponeOptions,
  makeLampone,
  uuidOf,
} from '../support/lampone.ts'
import { cannotAil, lamponeAilments } from '../support/lampone-ailments.ts'
import { changeMenus, debugfs, overwrite, writePersistent } from '../support/lampone-damage.ts'
import { gzipInitrd } from '../support/lampone-parts.ts'
import { noise } from '../support/memory-device.ts'
import { describedBy } from '../support/read-card.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotAil() ?? cannotWasm() ?? missingTools('isoinfo', 'e2fsck', 'fsck.fat') ?? false
const MiB = 1024 * 1024

const folder = mkdtempSync(join(tmpdir(), 'livecard-lampone-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const made = new Map<string, LamponeCard>()
/** With small partitions, since whole cards are read and copied here very often. */
function cardOf(wanted: LamponeOptions): LamponeCard {
  const options = { bootMiB: 16, kernelMiB: 8, ...wanted }
  const key = JSON.stringify(options)
  const card = made.get(key) ?? makeLampone(folder, options)
  made.set(key, card)
  return copyOfCard(card, folder)
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const menuPathsOf = (card: LamponeCard) =>
  card.boot.number === 1 ? ['efi/boot/grub.cfg'] : ['efi/boot/grub.cfg', 'boot/grub/grub.cfg']
const menuOf = (card: LamponeCard, path: string) =>
  tool('mtype', ['-i', `${card.path}@@${card.boot.startBytes}`, `::${path}`], { env: { MTOOLS_SKIP_CHECK: '1' } })

/** Makes the repair up twice, which has to come to the same, and writes it as a job does. Answers the words of the plan. */
async function repaired(path: string, options: Record<string, string> = {}) {
  const device = openFileDevice({ path, writable: true })
  try {
    const context = { seconds: 1_700_000_000, options }
    const plans = []
    for (let time = 0; time < 2; time += 1)
      plans.push(await planChange(await openCard({ kind: 'file', path, device }), 'repair', context))
    const [first, again] = plans
    assert.ok(first && again)
    assert.equal(first.digest, again.digest)
    for (const { ranges } of first.groups) {
      for (const { offset, lengthBytes } of ranges) {
        const bytes = new Uint8Array(lengthBytes)
        first.draft.view.readSync(bytes, offset)
        device.writeSync?.(bytes, offset)
      }
    }
    return first.draft
  } finally {
    device.close()
  }
}

function partOf({ path }: LamponeCard, { startBytes, sizeBytes }: CardPlace, into: string): string {
  const part = join(into, `part-${startBytes}`)
  tool('dd', [
    ...[`if=${path}`, `of=${part}`, 'bs=1M', `skip=${startBytes / MiB}`, `count=${sizeBytes / MiB}`, 'conv=sparse', 'status=none'],
  ])
  return part
}

/** What others say of the parts that a repair writes. */
function checkByOthers(card: LamponeCard, into: string): void {
  tool('fsck.fat', ['-n', partOf(card, card.boot, into)])
  const kernel = partOf(card, card.kernel, into)
  assert.match(tool('isoinfo', ['-d', '-i', kernel]), /Rock Ridge signatures version 1 found/)
  const names = tool('isoinfo', ['-R', '-f', '-i', kernel])
  assert.match(names, /^\/live\/vmlinuz$/m)
  assert.match(names, /^\/live\/initrd\.img$/m)
  const [system, own] = [uuidOf(card.path, card.system), uuidOf(card.path, card.kernel)]
  assert.notEqual(system, own)
  for (const path of menuPathsOf(card)) {
    const menu = menuOf(card, path)
    const searched = [...menu.matchAll(/--fs-uuid (\S+)/g)].map(([, uuid]) => uuid)
    assert.deepEqual(searched.slice(0, 2), [own, system], path)
    assert.ok(searched.slice(2).every((uuid) => uuid === system))
    assert.ok([...menu.matchAll(/fromiso=(\S+)/g)].every(([, uuid]) => uuid === system))
  }
}

/** What cannot be mended, as there is nothing to mend it from. */
const beyondRepair: Record<string, LamponeFinding[]> = {
  'both ISO partitions are destroyed': ['kernel-partition-unreadable'],
  'the kernel partition could not be written when the kernel was updated': ['kernel-partition-stale'],
  'the same kernel was built anew and is not in the kernel partition': ['kernel-partition-stale'],
  'the superblock of the persistence is destroyed': ['persistence-damaged'],
  'the beginning of the persistence is destroyed, copies included': ['persistence-damaged'],
  'the card was copied to a smaller one': ['persistence-cut-off'],
  'Windows has formatted the persistence': ['persistence-damaged'],
}

const canRepair = (id: LamponeFinding) => lamponeFindings[id].remedy === 'repair'

const lampones: LamponeLayout[] = ['lampone']

for (const { name, layouts = lampones, options = {}, change, ids } of lamponeAilments) {
  const mendable = ids.filter(canRepair)
  if (mendable.length === 0) continue
  for (const layout of layouts) {
    test(`${layout}: ${name}: ${beyondRepair[name] ? 'stays and is told' : 'is mended'}`, { skip }, async (t) => {
      const card = cardOf({ layout, ...options })
      t.after(() => rmSync(card.path))
      change?.(card)
      const left = beyondRepair[name] ?? []
      const before = left.length > 0 ? sha256(card.path) : ''
      const draft = await repaired(card.path)
      const described = await describedBy(lampone, { image: card.path })
      assert.deepEqual(
        described?.ids.filter((id) => canRepair(id as LamponeFinding)),
        left,
        [...draft.steps, ...draft.notes].join('\n'),
      )
      for (const id of ids) if (!canRepair(id)) assert.ok(described?.ids.includes(id), id)
      assert.equal(draft.steps.length > 0, left.length === 0)
      if (left.length > 0) assert.equal(sha256(card.path), before, 'what cannot be mended is left alone')
      else checkByOthers(card, testFolder(t))
    })
  }
}

test('a kernel that was half written is written again from the changes, or from the system where that is asked', {
  skip,
}, async (t) => {
  const torn = (card: LamponeCard) => overwrite(card.path, card.kernel.startBytes + 64 * 1024, Buffer.alloc(60 * 1024, 'torn'))
  for (const [from, version] of [
    [null, '5.6.0-0.bpo.2-arm64'],
    ['system', '5.5.0-0.bpo.2-arm64'],
  ] as const) {
    const card = cardOf({ layout: 'lampone', upgraded: true, fallback: 2 })
    t.after(() => rmSync(card.path))
    torn(card)
    const undo = `${card.path}.undo`
    const before = sha256(card.path)
    const more = from === null ? [] : ['--kernel-from', from]
    const { code, stdout, stderr } = await runCli(['repair', card.path, '--yes', '--json', '--undo', undo, ...more])
    // The drivers of an older kernel are there too; that a newer one is installed is said, since that was chosen.
    assert.equal(code, 0, stderr)
    const { report } = jsonLines(stdout).at(-1) as { report: { kernels: { where: string; version: string }[] } }
    assert.equal(report.kernels.find(({ where }) => where === 'kernel')?.version, version)
    const into = testFolder(t)
    checkByOthers(card, into)
    assert.equal(uuidOf(card.path, card.kernel), card.kernelUuid, 'the identity stays')
    assert.match(menuOf(card, 'efi/boot/grub.cfg'), /^set fallback=1$/m)
    const live = join(into, 'live')
    tool('xorriso', ['-osirrox', 'on', '-indev', partOf(card, card.kernel, into), '-extract', '/live', live])
    const kernel = readFileSync(join(live, 'vmlinuz'))
    assert.ok(kernel.includes(`Linux version ${version} `))
    if (from !== 'system') {
      const persistence = partOf(card, card.persistence, into)
      tool('debugfs', ['-R', `dump rw/boot/initrd.img-${version} ${into}/initrd`, persistence])
      assert.deepEqual(readFileSync(join(live, 'initrd.img')), readFileSync(join(into, 'initrd')))
    }
    const undone = await runCli(['undo', undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(card.path), before)
    rmSync(undo)
  }
})

test('an asked kernel that is not there, or that starts already, is told, and another word is refused', { skip }, async (t) => {
  const card = cardOf({ layout: 'lampone' })
  t.after(() => rmSync(card.path))
  const before = sha256(card.path)
  const none = await runCli(['repair', card.path, '--yes', '--kernel-from', 'rw'])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /no whole kernel .* among the changes/)
  const same = await runCli(['repair', card.path, '--yes', '--kernel-from', 'system'])
  assert.equal(same.code, 0, same.stderr)
  assert.match(same.stdout, /starts already/)
  const other = await runCli(['repair', card.path, '--yes', '--kernel-from', 'moon'])
  assert.equal(other.code, 2)
  assert.equal(sha256(card.path), before)
})

test('the new kernel lies beside the old one, over and over, and never beyond the partition', { skip }, async (t) => {
  const card = cardOf({ layout: 'lampone', upgraded: true, kernelMiB: 1 })
  t.after(() => rmSync(card.path))
  for (const from of ['system', 'rw', 'system', 'rw', 'system']) {
    const draft = await repaired(card.path, { 'kernel-from': from })
    assert.equal(draft.steps.length, 1)
    assert.deepEqual(draft.notes, [], 'there is room beside the old one')
    checkByOthers(card, testFolder(t))
  }
  const tight = cardOf({ layout: 'lampone', upgraded: true, kernelMiB: 2, initrdBytes: 1_650_000 })
  t.after(() => rmSync(tight.path))
  const draft = await repaired(tight.path, { 'kernel-from': 'system' })
  assert.match(draft.notes.join(), /no room for the new kernel beside the old one/)
  checkByOthers(tight, testFolder(t))
})

test('a kernel that is larger than its partition is not written', { skip }, async (t) => {
  const card = cardOf({ layout: 'lampone', upgraded: true, kernelMiB: 1 })
  t.after(() => rmSync(card.path))
  debugfs(card, 'rm rw/boot/initrd.img-5.6.0-0.bpo.2-arm64')
  const large = gzipInitrd({ init: '#!/bin/sh\n', 'scripts/live': noise(1_100_000) })
  writePersistent(card, 'initrd.img-5.6.0-0.bpo.2-arm64', large, 'rw/boot')
  const draft = await repaired(card.path, { 'kernel-from': 'rw' })
  assert.deepEqual(draft.steps, [])
  assert.match(draft.notes.join(), /Partition 3 is left as it is: Linux 5\.6\.0-0\.bpo\.2-arm64 needs 1\.2 MB/)
})

test('a kernel partition whose identity nobody remembers gets one that no other partition has', { skip }, async (t) => {
  const card = cardOf({ layout: 'lampone' })
  t.after(() => rmSync(card.path))
  overwrite(card.path, card.kernel.startBytes, new Uint8Array(MiB))
  changeMenus(card, (text) => text.replaceAll(card.kernelUuid, card.systemUuid))
  const draft = await repaired(card.path)
  assert.equal(draft.steps.length, 2)
  checkByOthers(card, testFolder(t))
})

test('a menu that is written in a way that is not changed here is left alone, and that is said', { skip }, async (t) => {
  const card = cardOf({ layout: 'lampone' })
  t.after(() => rmSync(card.path))
  changeMenus(card, (text) =>
    text.replace(`--fs-uuid ${card.kernelUuid}`, '--fs-uuid $where').replace('set timeout=3', 'set where=2019-01-01-00-00-00-00'),
  )
  const before = sha256(card.path)
  const draft = await repaired(card.path)
  assert.match(draft.notes.join(), /efi\/boot\/grub\.cfg on partition 1 is left as it is/)
  assert.equal(sha256(card.path), before)
})

test('with changes that are encrypted the kernel comes from the system, and that is explained', { skip }, async (t) => {
  const card = cardOf({ layout: 'liveng', encrypted: true })
  t.after(() => rmSync(card.path))
  overwrite(card.path, card.kernel.startBytes, new Uint8Array(MiB))
  const draft = await repaired(card.path)
  assert.match(draft.notes.join(), /cannot be looked into.*update-initramfs -u/)
  checkByOthers(card, testFolder(t))
})
