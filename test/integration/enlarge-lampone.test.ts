import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { copyOfCard, type LamponeCard, type LamponeLayout, type LamponeOptions, makeLampone } from '../support/lampone.ts'
import { cannotAil } from '../support/lampone-ailments.ts'
import { changeTable, overwrite } from '../support/lampone-damage.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { factsOfFolder } from '../support/tree-facts.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotAil() ?? cannotMount() ?? cannotWasm() ?? missingTools('e2fsck', 'sgdisk', 'getfattr') ?? false
const MiB = 1024 * 1024
const tailMiB = 64

const folder = mkdtempSync(join(tmpdir(), 'livecard-enlarge-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const made = new Map<string, LamponeCard>()
/** A card as after its image was written to one that is larger: what stands at the end of a GPT stands in the middle then. */
function cardOf(t: TestContext, wanted: LamponeOptions): LamponeCard {
  const options = { bootMiB: 16, kernelMiB: 8, ...wanted }
  const key = JSON.stringify(options)
  const card = made.get(key) ?? makeLampone(folder, options)
  made.set(key, card)
  const copy = copyOfCard(card, folder)
  truncateSync(copy.path, endOf(copy) + (tailMiB + 1) * MiB)
  t.after(() => {
    rmSync(copy.path)
    rmSync(`${copy.path}.undo`, { force: true })
  })
  return copy
}

const endOf = ({ persistence }: LamponeCard) => persistence.startBytes + persistence.sizeBytes
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

interface Entry {
  node: string
  start: number
  size: number
  type: string
  uuid?: string
  name?: string
  attrs?: string
}

function entriesOf({ path }: LamponeCard): Map<number, Entry> {
  const { partitiontable } = JSON.parse(tool('sfdisk', ['--json', path])) as { partitiontable: { partitions: Entry[] } }
  return new Map(partitiontable.partitions.map((entry) => [Number(entry.node.slice(-1)), entry]))
}

async function enlarged(card: LamponeCard, to: string, ...more: string[]) {
  const ran = await runCli(['enlarge', card.path, '--to', to, '--yes', '--json', '--undo', `${card.path}.undo`, ...more])
  return { ...ran, answer: jsonLines(ran.stdout).at(-1) as { plan?: { notes: string[] }; report?: { findings: { id: string }[] } } }
}

for (const [layout, encrypted] of [
  ['lampone', false],
  ['liveng', false],
  ['resilient', false],
  ['lampone', true],
  ['liveng', true],
] as const satisfies readonly (readonly [LamponeLayout, boolean])[]) {
  test(`${layout}${encrypted ? ', encrypted' : ''}: partition 4 takes the rest of the card, the others stay, and all goes back`, {
    skip,
  }, async (t) => {
    const card = cardOf(t, { layout, encrypted, upgraded: !encrypted })
    const before = { sum: sha256(card.path), entries: entriesOf(card) }
    const { startBytes, sizeBytes } = card.persistence
    const planned = await runCli(['enlarge', card.path, '--to', 'max', '--plan'])
    assert.equal(/is encrypted.*cryptsetup resize/.test(planned.stdout), encrypted)
    const { code, stderr, answer } = await enlarged(card, 'max')
    assert.equal(code, 0, stderr)
    assert.ok(!answer.report?.findings.some(({ id }) => id === 'card-unused-tail'))
    if (layout !== 'lampone') assert.match(tool('sgdisk', ['--verify', card.path]), /No problems found/)
    const entries = entriesOf(card)
    const grown = entries.get(4)
    assert.equal((grown?.start ?? 0) * 512, startBytes)
    assert.ok((grown?.size ?? 0) * 512 >= sizeBytes + tailMiB * MiB, JSON.stringify(grown))
    assert.deepEqual({ ...grown, size: 0 }, { ...before.entries.get(4), size: 0 })
    for (const number of [1, 2, 3]) assert.deepEqual(entries.get(number), before.entries.get(number))
    if (encrypted) {
      // The head is all that can be asked without the passphrase; it stands where it stood.
      const head = join(testFolder(t), 'luks')
      tool('dd', [`if=${card.path}`, `of=${head}`, 'bs=1M', `skip=${startBytes / MiB}`, 'count=32', 'status=none'])
      assert.match(tool('cryptsetup', ['luksDump', head]), /cipher: aes-xts-plain64/)
    } else {
      tool('e2fsck', ['-f', '-n', `${card.path}?offset=${startBytes}`])
      mounted(card.path, `ro,offset=${startBytes},sizelimit=${(grown?.size ?? 0) * 512}`, (inside) => {
        const blocks = Number(tool('stat', ['-f', '-c', '%b', inside]))
        assert.ok(blocks * 4096 > sizeBytes + (tailMiB - 16) * MiB, `${blocks}`)
        assert.ok(factsOfFolder(inside).size > 20)
      })
    }
    const undone = await runCli(['undo', `${card.path}.undo`, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(card.path), before.sum)
  })
}

test('the files are the same before and after, and a size is met', { skip }, async (t) => {
  const card = cardOf(t, { layout: 'lampone', upgraded: true })
  const { startBytes, sizeBytes } = card.persistence
  const facts = (length: number) => mounted(card.path, `ro,offset=${startBytes},sizelimit=${length}`, factsOfFolder)
  const before = facts(sizeBytes)
  const { code, stderr } = await enlarged(card, '80MiB', '--what', 'persistence')
  assert.equal(code, 0, stderr)
  assert.equal(entriesOf(card).get(4)?.size, (80 * MiB) / 512)
  assert.deepEqual(facts(80 * MiB), before)
})

test('a filesystem that is smaller than its partition takes it all, as where only the table was changed', { skip }, async (t) => {
  const card = cardOf(t, { layout: 'lampone' })
  const sectors = (card.persistence.sizeBytes + tailMiB * MiB) / 512
  changeTable(card, (lines) =>
    lines.map((line) => (line.startsWith('4 :') ? line.replace(/size=\s*\d+/, `size=${sectors}`) : line)),
  )
  truncateSync(card.path, card.persistence.startBytes + sectors * 512)
  const { code, stderr } = await enlarged(card, 'max')
  assert.equal(code, 0, stderr)
  assert.equal(entriesOf(card).get(4)?.size, sectors)
  tool('e2fsck', ['-f', '-n', `${card.path}?offset=${card.persistence.startBytes}`])
  mounted(card.path, `ro,offset=${card.persistence.startBytes}`, (inside) => {
    assert.ok(Number(tool('stat', ['-f', '-c', '%b', inside])) * 4096 > (sectors * 512 * 3) / 4)
  })
  const again = await enlarged(card, 'max')
  assert.match(again.answer.plan?.notes.join() ?? '', /there is nothing to add/)
})

test('what lies in the way, what is damaged and what does not grow here is told, and nothing is changed', { skip }, async (t) => {
  const behind = cardOf(t, { layout: 'resilient' })
  changeTable(behind, (lines) => [...lines.filter((line) => !line.startsWith('last-lba')), 'size=4MiB'])
  const gone = cardOf(t, { layout: 'lampone' })
  overwrite(gone.path, gone.persistence.startBytes, new Uint8Array(gone.persistence.sizeBytes))
  const well = cardOf(t, { layout: 'lampone' })
  for (const [card, words, why] of [
    [behind, [], /partition 5 lies behind it/],
    [gone, [], /what is in it .* cannot be made larger here/],
    [well, ['--what', 'home'], /only its persistence grows/],
  ] as const) {
    const before = sha256(card.path)
    const { code, stderr } = await enlarged(card, 'max', ...words)
    assert.equal(code, 1)
    assert.match(stderr, why)
    assert.equal(sha256(card.path), before)
  }
})
