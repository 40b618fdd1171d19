import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { Report } from '../../native-helpers/contract-report.ts'
import { decimalSize } from '../../native-helpers/decimal-size.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { lampone } from '../../native-helpers/systems/lampone/index.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { debianKernel } from '../support/debian-kernels.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { type CardPlace, copyOfCard, type LamponeCard, type LamponeLayout, makeLampone, uuidOf } from '../support/lampone.ts'
import { debugfs } from '../support/lampone-damage.ts'
import { lamponeTools, rewrite } from '../support/lampone-parts.ts'
import { describedBy } from '../support/read-card.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const notRoot = process.getuid?.() === 0 ? null : 'deleted files are devices, which only root makes'
const skip = missingTools(...lamponeTools, 'debugfs', 'dumpe2fs', 'file') ?? notRoot ?? false
const MiB = 1024 * 1024

const folder = mkdtempSync(join(tmpdir(), 'livecard-lampone-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const made = new Map<LamponeLayout, LamponeCard>()
/** As after a kernel update: both kernels differ. */
function upgraded(layout: LamponeLayout): LamponeCard {
  const card = made.get(layout) ?? makeLampone(folder, { layout, upgraded: true, tailMiB: 4 })
  made.set(layout, card)
  return card
}

function extracted(card: LamponeCard, { startBytes, sizeBytes }: CardPlace): string {
  const path = join(folder, `part-${Math.random().toString(36).slice(2)}`)
  const place = [`skip=${startBytes / MiB}`, `count=${sizeBytes / MiB}`]
  tool('dd', [`if=${card.path}`, `of=${path}`, 'bs=1M', ...place, 'conv=sparse', 'status=none'])
  return path
}

/** The changes as a mounted volume shows them, hard links once, in the words of the report. */
function seenByTheKernel(part: string): string {
  return mounted(part, 'rw', (inside) => {
    const inodes = new Set(
      tool('find', [join(inside, 'rw'), '-type', 'f', '-printf', '%i %s\\n'])
        .trim()
        .split('\n'),
    )
    const bytes = [...inodes].reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)
    return `${inodes.size} files, ${decimalSize(bytes)}`
  })
}

const layouts = ['lampone', 'liveng', 'resilient'] as const

async function reportOn(path: string): Promise<Report> {
  const device = openFileDevice({ path, writable: false })
  try {
    return await readCard(await openCard({ kind: 'file', path, device }))
  } finally {
    device.close()
  }
}

for (const layout of layouts) {
  test(`a card of ${layout} that is well is recognised, and nothing is found on it`, { skip }, async (t) => {
    const card = makeLampone(testFolder(t), { layout })
    const described = await describedBy(lampone, { image: card.path })
    assert.ok(described)
    const { detection, description } = described
    assert.equal(detection.id, layout === 'lampone' ? 'lampone' : 'liveng')
    const roles = (['boot', 'system', 'kernel', 'persistence'] as const).map((role) => [card[role].number, role] as const)
    assert.deepEqual(new Map([...detection.roles].sort()), new Map([...roles].sort()))
    assert.ok(detection.evidence.length >= 5)
    assert.deepEqual(description.findings, [])
    assert.deepEqual(
      description.kernels.map(({ where, version, starts, modules }) => ({ where, version, starts, modules })),
      [
        { where: 'kernel', version: card.kernelVersion, starts: true, modules: 'present' },
        { where: 'system', version: card.systemVersion, starts: false, modules: 'present' },
      ],
    )
  })

  test(`${layout}: the UUIDs are the ones that blkid prints, before and after the kernel partition is written anew`, {
    skip,
  }, async () => {
    const card = upgraded(layout)
    const facts = (await describedBy(lampone, { image: card.path }))?.description.facts ?? []
    const fact = (label: string) => facts.find((one) => one.label === label)?.value ?? ''
    assert.ok(fact('System partition').includes(` ${uuidOf(card.path, card.system)},`))
    assert.ok(fact('Kernel partition').includes(` ${uuidOf(card.path, card.kernel)},`))
    assert.match(fact('System partition'), /as installed$/)
    assert.match(fact('Kernel partition'), /written anew since$/)
  })

  test(`${layout}: the use of the persistence is what dumpe2fs counts, and its files are what debugfs lists`, {
    skip,
  }, async (t) => {
    const card = copyOfCard(upgraded(layout), testFolder(t))
    // The superblock's own count lags behind on a card that was pulled out: only the groups are right.
    debugfs(card, 'ssv free_blocks_count 7')
    const described = await describedBy(lampone, { image: card.path })
    const part = extracted(card, card.persistence)
    const groups = tool('dumpe2fs', [part])
    const free = [...groups.matchAll(/^ {2}(\d+) free blocks,/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
    const total = Number(/^Block count:\s+(\d+)$/m.exec(groups)?.[1])
    const [room] = described?.description.rooms ?? []
    assert.deepEqual([room?.totalBytes, room?.usedBytes], [total * 4096, (total - free) * 4096])
    const facts = described?.description.facts ?? []
    assert.equal(facts.find(({ label }) => label === 'Deleted files of the system')?.value, String(card.whiteouts))
    assert.equal(facts.find(({ label }) => label === 'Your changes')?.value, seenByTheKernel(part))
  })
}

test('the whole report on a card that is well has no findings, and one that was cut off says so once', { skip }, async (t) => {
  const card = makeLampone(testFolder(t), { layout: 'liveng' })
  assert.deepEqual((await reportOn(card.path)).findings, [])
  truncateSync(card.path, card.persistence.startBytes + card.persistence.sizeBytes - 16 * MiB)
  assert.deepEqual(
    (await reportOn(card.path)).findings.map(({ id, partition }) => ({ id, partition })),
    [{ id: 'persistence-cut-off', partition: card.persistence.number }],
  )
})

test('inspecting writes nothing', { skip }, async () => {
  const card = upgraded('resilient')
  const before = tool('sha256sum', [card.path])
  await describedBy(lampone, { image: card.path })
  assert.equal(tool('sha256sum', [card.path]), before)
})

test('kernel versions are the ones that file(1) tells', { skip }, async () => {
  const card = upgraded('resilient')
  const described = await describedBy(lampone, { image: card.path })
  for (const { where, version } of described?.description.kernels ?? []) {
    const iso = extracted(card, where === 'kernel' ? card.kernel : card.system)
    const kernel = join(folder, `vmlinuz-${where}`)
    tool('xorriso', ['-osirrox', 'on', '-indev', iso, '-extract', '/live/vmlinuz', kernel])
    assert.ok(tool('file', ['-b', kernel]).includes(`version ${version} `))
  }
})

/** "46 files, 8.1 MB" */
async function changesOf(image: string): Promise<string | undefined> {
  const described = await describedBy(lampone, { image })
  return described?.description.facts.find(({ label }) => label === 'Your changes')?.value
}

test('what waits in the journal of a card that was pulled out is seen', { skip: skip || (cannotMount() ?? false) }, async (t) => {
  const card = copyOfCard(upgraded('lampone'), testFolder(t))
  const { startBytes, sizeBytes } = card.persistence
  const before = Number.parseInt((await changesOf(card.path)) ?? '', 10)
  const inside = join(testFolder(t), 'mounted')
  tool('mkdir', [inside])
  const pulled = `${card.path}.pulled`
  tool('mount', ['-o', `loop,offset=${startBytes},sizelimit=${sizeBytes}`, card.path, inside])
  try {
    rmSync(join(inside, 'rw/home/user/letter.txt'))
    for (let at = 0; at < 40; at += 1) writeFileSync(join(inside, `rw/home/user/new ${at}`), Buffer.alloc(100_000, 1))
    tool('sync', ['-f', inside])
    tool('cp', ['--sparse=always', card.path, pulled])
  } finally {
    tool('umount', ['-d', inside])
  }
  const described = await describedBy(lampone, { image: pulled })
  const [overlay] = described?.description.overlays ?? []
  assert.equal(overlay?.filesystem?.needsRecovery, true)
  const part = extracted({ ...card, path: pulled }, card.persistence)
  const changes = await changesOf(pulled)
  assert.equal(Number.parseInt(changes ?? '', 10), before - 1 + 40)
  assert.equal(changes, seenByTheKernel(part))
  tool('e2fsck', ['-p', '-E', 'journal_only', part])
  const groups = tool('dumpe2fs', [part])
  const free = [...groups.matchAll(/^ {2}(\d+) free blocks,/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
  assert.equal(overlay?.totalBytes && overlay.totalBytes - overlay.usedBytes, free * 4096)
})

test('a FAT, an ISO and an ext4 that have only the names of one are not taken for one', { skip }, async (t) => {
  const inside = testFolder(t)
  const image = join(inside, 'other.img')
  writeFileSync(image, '')
  truncateSync(image, 80 * MiB)
  tool('sfdisk', ['-q', image], {
    input: 'label: dos\nstart=2048, size=32768, type=c\nstart=34816, size=32768, type=83\nstart=67584, type=83\n',
  })
  const tree = join(inside, 'tree')
  tool('mkdir', [tree])
  writeFileSync(join(tree, 'readme'), 'no live system')
  const iso = join(inside, 'iso')
  rewrite(tree, iso, 'SK-SYSTEM1', '2020061412301100')
  tool('dd', [`if=${iso}`, `of=${image}`, 'bs=1M', 'seek=17', 'conv=notrunc', 'status=none'])
  assert.equal(await describedBy(lampone, { image }), null, 'an ISO alone')
  tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-L', 'persistence', '-E', `offset=${33 * MiB}`, image, '8192'])
  assert.equal(await describedBy(lampone, { image }), null, 'an ISO and a persistence')
})

test('a volume without a table, and an empty card, are not taken for one', { skip }, async () => {
  const card = upgraded('lampone')
  const part = extracted(card, card.system)
  assert.equal(await describedBy(lampone, { image: part }), null)
  const empty = join(folder, 'empty')
  copyFileSync(part, empty)
  truncateSync(empty, 0)
  truncateSync(empty, MiB)
  assert.equal(await describedBy(lampone, { image: empty }), null)
})

test('a card of 32 GiB is looked at in less than a second, reading little', { skip }, async (t) => {
  const card = makeLampone(testFolder(t), { layout: 'lampone', upgraded: true, persistenceMiB: 31 * 1024 })
  assert.ok(statSync(card.path).size > 31 * 1024 * MiB)
  await describedBy(lampone, { image: card.path })
  const started = performance.now()
  const described = await describedBy(lampone, { image: card.path })
  t.diagnostic(`${Math.round(performance.now() - started)} ms, ${described?.bytesRead} bytes read`)
  assert.ok((described?.bytesRead ?? Number.POSITIVE_INFINITY) < 64 * MiB)
  assert.deepEqual(described?.ids, ['kernel-updated'])
})

test('a card with a real kernel is looked at in less than a second, reading little', {
  skip,
}, async (t) => {
  const kernel = await debianKernel('arm64')
  if (typeof kernel === 'string') return t.skip(kernel)
  const card = makeLampone(testFolder(t), { layout: 'lampone', kernel, initrdBytes: 8 * MiB })
  await describedBy(lampone, { image: card.path })
  const started = performance.now()
  const described = await describedBy(lampone, { image: card.path })
  t.diagnostic(`${Math.round(performance.now() - started)} ms, ${described?.bytesRead} bytes read`)
  assert.deepEqual(
    described?.description.kernels.map(({ version }) => version),
    [kernel.release, kernel.release],
  )
  assert.deepEqual(described?.ids, [])
  assert.ok((described?.bytesRead ?? Number.POSITIVE_INFINITY) < 64 * MiB)
})
