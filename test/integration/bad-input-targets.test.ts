import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { expectError } from '../support/bad-input.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { runCli } from '../support/run-cli.ts'
import { difference, isUnfinished, sampleImage, sha256, usedCard } from '../support/sample-images.ts'
import { testFolder, tool } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024
const flash = (image: string, targets: string[], ...args: string[]) =>
  runCli(['flash', image, ...targets, '--yes', '--json', ...args])

/** The drive that this machine runs from; null where that is no drive (a container's overlay). */
function systemDrive(): string | null {
  const source = tool('findmnt', ['--noheadings', '--output', 'SOURCE', '/']).trim()
  if (!source.startsWith('/dev/')) return null
  const whole = tool('lsblk', ['--noheadings', '--nodeps', '--output', 'PKNAME', source]).trim()
  return whole === '' ? source : `/dev/${whole}`
}

test('the system disk is refused by any name, also with --allow-virtual and --yes, and nothing beside it is written', {
  skip,
}, async (t) => {
  const system = systemDrive()
  if (system === null) return t.skip('this machine does not run from a drive that can be named')
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const neighbour = usedCard(t)
  const before = sha256(neighbour.path)
  const [major, minor] = tool('lsblk', ['--noheadings', '--nodeps', '--output', 'MAJ:MIN', system]).trim().split(':') as [
    string,
    string,
  ]
  const byId = join(folder, 'by-id')
  mkdirSync(byId)
  symlinkSync(system, join(folder, 'card'))
  symlinkSync('../card', join(byId, 'usb-Generic_Flash_Disk_0001-0:0'))
  tool('mknod', [join(folder, 'alias'), 'b', major, minor])
  const partitions = readdirSync(`/sys/block/${basename(system)}`).filter((name) =>
    existsSync(`/sys/block/${basename(system)}/${name}/partition`),
  )
  const names = [
    system,
    `/dev/../dev//${basename(system)}`,
    join(folder, 'card'),
    join(byId, 'usb-Generic_Flash_Disk_0001-0:0'),
    join(folder, 'alias'),
    ...partitions.map((name) => `/dev/${name}`),
  ]
  for (const name of names) {
    const error = expectError(await flash(image, [name], '--allow-virtual'), {
      exitCode: 3,
      code: /^drive-(system|mounted-system|partition)$/,
    })
    assert.match(error.meaning, /Nothing was written/, name)
  }
  const together = await flash(image, [neighbour.path, join(folder, 'alias')], '--allow-virtual')
  expectError(together, { exitCode: 3, code: /^drive-/ })
  assert.equal(sha256(neighbour.path), before, 'a plan with one refused drive writes to none')
})

test('virtual drives are refused unless they are allowed, and a write-protected one is refused even then', { skip }, async (t) => {
  const image = sampleImage(testFolder(t))
  const card = usedCard(t)
  const before = sha256(card.path)
  expectError(await flash(image, [card.path]), { exitCode: 3, code: 'drive-virtual' })
  const protectedCard = withLoop(t, { sizeBytes: 16 * 1024 * 1024, readOnly: true })
  expectError(await flash(image, [protectedCard.path], '--allow-virtual'), { exitCode: 3, code: 'drive-read-only' })
  assert.equal(sha256(card.path), before)
})

test('an image on its own target, and a target that is named twice, are refused', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const before = sha256(image)
  expectError(await flash(image, [image]), { exitCode: 3, code: 'image-on-target' })
  symlinkSync(image, join(folder, 'link.img'))
  expectError(await flash(image, [join(folder, 'link.img')]), { exitCode: 3, code: 'image-on-target' })
  assert.equal(sha256(image), before)

  const card = usedCard(t)
  const cardBefore = sha256(card.path)
  symlinkSync(card.path, join(folder, 'same'))
  expectError(await flash(image, [card.path, join(folder, 'same')], '--allow-virtual'), { exitCode: 2, code: 'target-twice' })
  assert.equal(sha256(card.path), cardBefore)
})

/** A card that gives errors from its middle on: its backing file lies on a filesystem that becomes full. */
function failingCard(t: TestContext, goodBytes: number, sizeBytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-full-'))
  tool('mount', ['-t', 'tmpfs', '-o', `size=${goodBytes}`, 'livecard-test', folder])
  const card = withLoop(t, { sizeBytes, folder })
  t.after(() => {
    card.detach()
    // Whoever lists drives at this moment holds the loop device a little longer, and it this folder.
    tool('umount', ['-l', folder])
    rmdirSync(folder)
  })
  return card
}

test('a card that gives errors in the middle fails, and the others are written to their end', { skip }, async (t) => {
  const image = sampleImage(testFolder(t), 32 * MiB)
  const good = usedCard(t, 32 * MiB)
  const failing = failingCard(t, 6 * MiB, 32 * MiB)
  const alone = expectError(await flash(image, [failing.path], '--allow-virtual'), { exitCode: 1, code: /^(drive|target)-/ })
  assert.match(alone.message, /Virtual drive|loop/)
  assert.ok(isUnfinished(failing.path))

  const both = await flash(image, [failing.path, good.path], '--allow-virtual')
  expectError(both, { exitCode: 1, code: /^(drive|target)-/ })
  assert.equal(difference(image, good.path), null)
  assert.equal((await runCli(['verify', image, good.path])).code, 0)
})
