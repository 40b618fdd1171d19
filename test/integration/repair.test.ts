import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const skip = missingTools('sfdisk', 'sgdisk', 'mkfs.fat', 'fsck.fat', 'mcopy', 'mke2fs', 'e2fsck', 'debugfs') ?? false
const bootStart = MiB
// With fewer clusters than FAT32 may have, mtools takes it for a FAT16.
const bootSectors = 81920
const dataStart = 41 * MiB
const dataMiB = 60

interface Sample {
  folder: string
  card: string
  undo: string
}

/** A card with a GPT, a FAT32 and an ext4, as after an image was written to a card that is larger. */
function sample(t: TestContext): Sample {
  const folder = testFolder(t)
  const card = join(folder, 'card.img')
  writeFileSync(card, '')
  truncateSync(card, 128 * MiB)
  const boot = `start=${bootStart / 512}, size=${bootSectors}, type=C12A7328-F81F-11D2-BA4B-00C04FC93EC9, name=boot`
  tool('sfdisk', ['-q', card], { input: `label: gpt\n${boot}\nstart=${dataStart / 512}, size=${dataMiB * 2048}, name=data\n` })
  const fat = join(folder, 'fat.img')
  writeFileSync(fat, '')
  truncateSync(fat, bootSectors * 512)
  tool('mkfs.fat', ['-F', '32', '-s', '1', '-n', 'BOOT', fat])
  tool('mcopy', ['-i', fat, '/etc/services', '::/services'], { env: { MTOOLS_SKIP_CHECK: '1' } })
  patch(card, bootStart, readFileSync(fat))
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-E', `offset=${dataStart}`, '-L', 'data', card, `${dataMiB}m`])
  return { folder, card, undo: join(folder, 'undo') }
}

function patch(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, offset)
  closeSync(file)
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function piece({ folder, card }: Sample, name: string, offset: number, length: number): string {
  const path = join(folder, name)
  writeFileSync(path, readFileSync(card).subarray(offset, offset + length))
  return path
}

async function repaired(card: Sample, ...words: string[]) {
  return runCli(['repair', card.card, '--yes', '--json', '--undo', card.undo, ...words])
}

const resultOf = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '')

test('a card that is well is left alone', { skip }, async (t) => {
  const card = sample(t)
  const before = sha256(card.card)
  const { code, stdout } = await repaired(card)
  assert.equal(code, 0)
  assert.deepEqual(resultOf(stdout).plan.steps, [])
  assert.equal(sha256(card.card), before)
  assert.ok(!existsSync(card.undo))
})

test('the plan changes nothing, and without a yes neither does the rest', { skip }, async (t) => {
  const card = sample(t)
  patch(card.card, 512, Buffer.alloc(512))
  const before = sha256(card.card)
  const planned = await runCli(['repair', card.card, '--plan'])
  assert.equal(planned.code, 0)
  assert.match(planned.stdout, /both copies of the partition table from the second one/)
  const asked = await runCli(['repair', card.card])
  assert.equal(asked.code, 2)
  assert.equal(sha256(card.card), before)
})

test('a partition table is mended from its whole copy, wherever the damage is, as sgdisk finds', { skip }, async (t) => {
  const damages: [string, number, Uint8Array][] = [
    ['the first header', 512, Buffer.alloc(512)],
    ['the first entries', 1024 + 56, Buffer.from('X')],
    ['the second header', 128 * MiB - 512, Buffer.alloc(512)],
    ['the first sector', 446, Buffer.alloc(66)],
  ]
  for (const [what, offset, bytes] of damages) {
    const card = sample(t)
    const whole = tool('sfdisk', ['--dump', card.card])
    patch(card.card, offset, bytes)
    const damaged = sha256(card.card)
    const { code, stdout, stderr } = await repaired(card)
    assert.equal(code, 0, `${what}: ${stdout}${stderr}`)
    assert.match(tool('sgdisk', ['--verify', card.card]), /No problems found/, what)
    assert.equal(tool('sfdisk', ['--dump', card.card]), whole, what)
    const undone = await runCli(['undo', card.undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(card.card), damaged, what)
  }
})

test('a FAT that was pulled out loses its mark when its files are whole, and keeps it when they are not', { skip }, async (t) => {
  const card = sample(t)
  patch(card.card, bootStart + 65, Uint8Array.of(1))
  const { code, stdout } = await repaired(card)
  assert.equal(code, 0, stdout)
  assert.doesNotMatch(tool('fsck.fat', ['-n', piece(card, 'boot', bootStart, bootSectors * 512)]), /[Dd]irty/)

  const broken = sample(t)
  patch(broken.card, bootStart + 65, Uint8Array.of(1))
  // Entry 4 of the first table, in the middle of the file, leads nowhere.
  patch(broken.card, bootStart + 32 * 512 + 4 * 4, Buffer.from([0xf0, 0xff, 0xff, 0x01]))
  const before = sha256(broken.card)
  const answer = await repaired(broken)
  assert.match(resultOf(answer.stdout).plan.notes.join(), /damaged, so its mark for that stays/)
  assert.equal(sha256(broken.card), before)
})

test('an ext4 with a journal to carry out and damage is mended as e2fsck mends it, and taken back to the byte', {
  skip,
}, async (t) => {
  const card = sample(t)
  const data = piece(card, 'data', dataStart, dataMiB * MiB)
  const content = join(card.folder, 'content')
  writeFileSync(content, Buffer.alloc(4096, 'journal'))
  tool('debugfs', ['-w', '-f', '-', data], { input: `jo -c\njw -b 5000 ${content}\njc\nset_inode_field <11> links_count 7\n` })
  patch(card.card, dataStart, readFileSync(data))
  const damaged = sha256(card.card)
  const { code, stdout, stderr } = await repaired(card)
  assert.equal(code, 0, `${stdout}${stderr}`)
  const after = piece(card, 'after', dataStart, dataMiB * MiB)
  tool('e2fsck', ['-f', '-n', after])
  assert.equal(readFileSync(after).toString('latin1', 5000 * 4096, 5000 * 4096 + 7), 'journal')
  const { report } = resultOf(stdout)
  assert.deepEqual(
    report.findings.filter(({ severity }: { severity: string }) => severity === 'error'),
    [],
  )
  const undone = await runCli(['undo', card.undo, '--yes', '--json'])
  assert.equal(resultOf(undone.stdout).state, 'done')
  assert.equal(sha256(card.card), damaged)
})

test('a card that was used after the repair is not taken back, and an undo file is never written over', { skip }, async (t) => {
  const card = sample(t)
  patch(card.card, 512, Buffer.alloc(512))
  assert.equal((await repaired(card)).code, 0)
  const again = sample(t)
  patch(again.card, 512, Buffer.alloc(512))
  const before = sha256(again.card)
  const refused = await runCli(['repair', again.card, '--yes', '--undo', card.undo])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /there is one already/)
  assert.equal(sha256(again.card), before)

  patch(card.card, dataStart + 1024 + 0x2c, Buffer.from([1, 2, 3, 4]))
  const used = sha256(card.card)
  const undone = await runCli(['undo', card.undo, '--yes'])
  assert.equal(undone.code, 3)
  assert.match(undone.stderr, /was changed since/)
  assert.equal(sha256(card.card), used)
})

test('a drive whose volumes are in use is unmounted, and a plan that was made before that is not carried out', {
  skip,
}, async (t) => {
  const cannot = cannotLoop()
  if (cannot) return t.skip(cannot)
  const folder = testFolder(t)
  const { path, backing } = withLoop(t, { sizeBytes: 64 * MiB })
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', path])
  const place = testFolder(t)
  tool('mount', [path, place])
  t.after(() => {
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${place} `)) tool('umount', [place])
  })
  writeFileSync(join(place, 'letter'), 'dear all\n')
  tool('sync', ['-f', place])
  const words = ['repair', path, '--yes', '--allow-virtual', '--undo', join(folder, 'undo')]
  const refused = await runCli(words)
  assert.equal(refused.code, 3, refused.stderr)
  assert.match(refused.stderr, /unmounted now/)
  assert.ok(!existsSync(join(folder, 'undo')))
  const again = await runCli(words)
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stdout, /would change nothing/)
  tool('e2fsck', ['-f', '-n', backing])
})
