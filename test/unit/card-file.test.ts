import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { alignedBuffer } from '../../native-helpers/block/aligned.ts'
import { createCardFile, openCardFile } from '../../native-helpers/drives/card-file.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { testFolder, tool } from '../support/tools.ts'

const gigabyte = 1_000_000_000

async function errorOf(action: Promise<unknown>): Promise<LivecardError> {
  try {
    await action
  } catch (thrown) {
    assert.ok(thrown instanceof LivecardError, String(thrown))
    return thrown
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

test('a card image is as large as a card and takes no room', async (t) => {
  const path = join(testFolder(t), 'card.img')
  await createCardFile(path, 8 * gigabyte)
  const stat = statSync(path)
  assert.equal(stat.size, 8 * gigabyte)
  assert.ok(stat.blocks * 512 < 1_000_000)
})

test('what is written to it is there, and its ends are kept', async (t) => {
  const path = join(testFolder(t), 'card.img')
  await createCardFile(path, 1024 * 1024)
  const device = await openCardFile(path, { write: true })
  assert.deepEqual([device.label, device.sizeBytes, device.sectorSize], ['card.img', 1024 * 1024, 512])
  await device.write(alignedBuffer(512).fill(0x42), 1024 * 1024 - 512)
  await assert.rejects(device.write(alignedBuffer(512), 1024 * 1024))
  await device.flush()
  await device.close()
  assert.equal(statSync(path).size, 1024 * 1024)
  assert.equal(readFileSync(path).at(-1), 0x42)
  const reading = await openCardFile(path, { write: false })
  const bytes = alignedBuffer(512)
  await reading.read(bytes, 1024 * 1024 - 512)
  assert.equal(bytes[0], 0x42)
  await assert.rejects(reading.write(bytes, 0))
  await reading.close()
})

test('nothing that exists is replaced', async (t) => {
  const folder = testFolder(t)
  const file = join(folder, 'letters.txt')
  writeFileSync(file, 'dear')
  assert.equal((await errorOf(createCardFile(file, gigabyte))).code, 'file-exists')
  assert.equal(readFileSync(file, 'utf8'), 'dear')
  const link = join(folder, 'link')
  symlinkSync(join(folder, 'nowhere'), link)
  assert.equal((await errorOf(createCardFile(link, gigabyte))).code, 'not-a-file')
  assert.ok(!existsSync(join(folder, 'nowhere')))
  assert.equal((await errorOf(createCardFile(folder, gigabyte))).code, 'not-a-file')
})

test('folders, pipes and devices are no card images, and nobody waits for them', {
  skip: process.platform === 'win32',
}, async (t) => {
  const folder = testFolder(t)
  tool('mkfifo', [join(folder, 'pipe')])
  for (const path of [folder, join(folder, 'pipe'), '/dev/null']) {
    assert.equal((await errorOf(openCardFile(path, { write: false }))).code, 'not-a-file', path)
  }
  assert.equal((await errorOf(openCardFile(join(folder, 'none.img'), { write: true }))).code, 'file-not-found')
})

test('sizes that no card has are refused before anything is created', async (t) => {
  const path = join(testFolder(t), 'card.img')
  for (const sizeBytes of [0, -512, 1000]) assert.equal((await errorOf(createCardFile(path, sizeBytes))).code, 'card-size')
  assert.ok(!existsSync(path))
})

test('a file of an odd length can be written to its last byte', async (t) => {
  const path = join(testFolder(t), 'odd.img')
  writeFileSync(path, '')
  truncateSync(path, 1000)
  const device = await openCardFile(path, { write: true })
  assert.deepEqual([device.sizeBytes, device.direct], [1000, false])
  await device.write(new Uint8Array([7]), 999)
  await device.close()
  assert.equal(readFileSync(path)[999], 7)
})

test('a full disk is named', { skip: process.getuid?.() === 0 ? false : 'mounting a small filesystem needs root' }, async (t) => {
  const folder = testFolder(t)
  const small = join(folder, 'small')
  mkdirSync(small)
  tool('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small])
  try {
    const path = join(small, 'card.img')
    await createCardFile(path, 16 * 1024 * 1024)
    const device = await openCardFile(path, { write: true })
    const error = await errorOf(device.write(alignedBuffer(1024 * 1024), 0))
    assert.deepEqual([error.kind, error.code], ['failed', 'target-full'])
    await device.close()
  } finally {
    tool('umount', [small])
  }
})
