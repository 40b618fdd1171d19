import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { type Report, report as reportSchema } from '../../native-helpers/contract.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { emptyCard } from '../support/many-volumes.ts'
import { makePlainCard, plainCard, plainCardTools } from '../support/plain-card.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

test('of a card of 32 GiB less than 64 MiB are read, with less than 200 MiB of memory', async (t) => {
  const why = missingTools('sfdisk', 'mke2fs', 'mkfs.fat')
  if (why) return t.skip(why)
  const card = emptyCard(testFolder(t), 32 * GiB)
  const start = MiB / 512
  const parts = ['size=12GiB, type=U', 'size=12GiB', 'size=+']
  tool('sfdisk', ['-q', card], { input: `label: gpt\n${parts.join('\n')}\n` })
  tool('mkfs.fat', ['-F', '32', '-n', 'STICK', '--offset', String(start), card, String((12 * GiB) / 1024)])
  for (const [offset, sizeGiB] of [
    [MiB + 12 * GiB, 12],
    [MiB + 24 * GiB, 7],
  ] as const) {
    tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-E', `offset=${offset}`, card, `${sizeGiB}g`])
  }
  const { code, stdout, stderr, peakBytes } = await runCli(['inspect', card, '--json'])
  assert.equal(code, 0, stderr)
  const report: Report = reportSchema.parse(JSON.parse(stdout))
  assert.deepEqual(
    report.partitions.map(({ fs, used }) => [fs, used !== null]),
    [
      ['vfat', true],
      ['ext4', true],
      ['ext4', true],
    ],
  )
  assert.ok(report.reading.bytesRead < 64 * MiB, `${report.reading.bytesRead} bytes`)
  if (peakBytes > 0) assert.ok(peakBytes < 200 * MiB, `${peakBytes} bytes of memory`)
})

test('a place that cannot be read is a finding of its partition, and the rest of the card is told', async (t) => {
  const why = missingTools(...plainCardTools)
  if (why) return t.skip(why)
  const card = makePlainCard(testFolder(t))
  const file = openFileDevice({ path: card, writable: false })
  t.after(() => file.close())
  const reportWith = async (from: number, to: number, code: string): Promise<Report> => {
    const readSync = (into: Uint8Array, offset: number) => {
      const text = { message: `The card failed at byte ${offset} (EIO).`, meaning: 'It is failing.', next: 'Try another port.' }
      if (offset < to && offset + into.length > from) throw new LivecardError('failed', code, text)
      file.readSync(into, offset)
    }
    return readCard(await openCard({ kind: 'file', path: card, device: { size: file.size, sectorSize: 512, readSync } }))
  }
  const { startBytes } = plainCard.data
  const { partitions, findings } = await reportWith(startBytes, startBytes + 64 * 1024, 'drive-io')
  assert.deepEqual(
    partitions.map(({ number, fs, label }) => [number, fs, label]),
    [
      [1, 'vfat', 'START'],
      [2, null, null],
    ],
  )
  const unread = findings.find(({ id }) => id === 'card-unread')
  assert.deepEqual([unread?.partition, unread?.severity, unread?.remedy], [2, 'error', 'backup'])
  assert.match(unread?.detail ?? '', /EIO/)
  // Where the drive is gone, or the table itself cannot be read, there is no report.
  await assert.rejects(reportWith(startBytes, startBytes + 64 * 1024, 'drive-vanished'), { code: 'drive-vanished' })
  await assert.rejects(reportWith(0, 512, 'drive-io'), { code: 'drive-io' })
})

test('a GPT that no MBR announces is used, and named', async (t) => {
  const why = missingTools('sfdisk', 'sgdisk', 'dd')
  if (why) return t.skip(why)
  const card = emptyCard(testFolder(t), 100 * MiB)
  tool('sfdisk', ['-q', card], { input: 'label: gpt\nsize=50MiB, name=data\n' })
  tool('dd', ['if=/dev/zero', `of=${card}`, 'bs=512', 'count=1', 'conv=notrunc'])
  assert.match(tool('sgdisk', ['-v', card]), /MBR/)
  const file = openFileDevice({ path: card, writable: false })
  t.after(() => file.close())
  const { table, partitions, findings } = await readCard(await openCard({ kind: 'file', path: card, device: file }))
  assert.deepEqual([table.type, partitions.map(({ partlabel }) => partlabel)], ['gpt', ['data']])
  assert.ok(findings.some(({ id, severity }) => id === 'table-not-announced' && severity === 'warning'))
})
