import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type FlashRequest,
  flashOptions,
  type ImageFacts,
  type PlanTarget,
  planStep,
  planWarning,
} from '../../native-helpers/contract.ts'
import { cardImageLoss, stepsOf, volumeLoss, warningsOf } from '../../native-helpers/jobs/plan-sentences.ts'
import { de } from '../../renderer/i18n/de.ts'
import { germanErrorOf } from '../../renderer/i18n/de-errors.ts'
import { germanSentences } from '../../renderer/i18n/de-sentences.ts'
import { createFormat } from '../../renderer/i18n/format.ts'
import { type Sentence, sentenceFrom } from '../../renderer/i18n/sentences.ts'

const drive: PlanTarget = {
  target: { kind: 'drive', identity: { path: '/dev/sdb', serial: 'S1', sizeBytes: 2e12 } },
  label: 'Backup 2 TB',
  sizeBytes: 2e12,
  loses: [],
  unmounts: ['/media/me/BOOT', '/media/me/ROOT'],
}
const strange: ImageFacts = {
  ref: { location: 'http://example.org/lampone-pi.img.xz' },
  name: 'lampone-pi.img.xz',
  format: 'xz',
  storedBytes: 1e6,
  contentBytes: null,
  members: [],
  sums: [],
  bmap: null,
  shows: null,
}
const known: ImageFacts = {
  ...strange,
  ref: { location: '/home/me/lampone-pi.img.xz' },
  contentBytes: 4e6,
  sums: [{ algorithm: 'md5', value: '0'.repeat(32), of: 'file', from: 'given' }],
  shows: 'MBR, 1 partition',
}

function request(options: Partial<FlashRequest['options']> = {}): FlashRequest {
  return { image: strange.ref, targets: [drive.target], options: flashOptions.parse(options) }
}

const format = createFormat('de-DE', de.units)
const german = (sentence: Sentence) => sentenceFrom(germanSentences, sentence, format).replaceAll('\u00a0', ' ')

test('a plan that is usual in every way says what is done, and warns of nothing', () => {
  const steps = stepsOf(request(), known, [{ ...drive, sizeBytes: 8e9, unmounts: [] }])
  assert.deepEqual(
    steps.map(({ code }) => code),
    ['mark-unfinished', 'write', 'check-sum', 'read-back', 'finish-compared'],
  )
  assert.deepEqual(warningsOf(request(), known, [{ ...drive, sizeBytes: 8e9 }]), [])
})

test('what is unusual is warned of, each with its code', () => {
  const warnings = warningsOf(request({ verify: false, allowVirtual: true }), strange, [drive])
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['no-sum-network', 'http', 'no-read-back', 'size-unknown', 'not-a-disk', 'virtual', 'large-drive'],
  )
  const unchecked = stepsOf(request({ verify: false, skipUnused: true }), strange, [drive, drive])
  assert.deepEqual(
    unchecked.map(({ code }) => code),
    ['unmount', 'mark-unfinished', 'write', 'finish'],
  )
  assert.match(unchecked[2]?.text ?? '', /^Unpack .* to 2 targets at once, without what its own filesystems call free;/)
})

test('a card that the system is not made for is warned of', () => {
  const lampone = { ...known, known: { system: 'lampone', name: 'Lampone Pi', endBytes: 1e9, leastCardBytes: 7.2e9 } } as const
  const [warning, ...others] = warningsOf(request(), lampone, [
    { ...drive, sizeBytes: 4e9 },
    { ...drive, sizeBytes: 7.8e9 },
  ])
  assert.equal(warning?.code, 'small-card')
  assert.deepEqual(others, [])
  assert.match(german(warning as Sentence), /ab 8 GB gemacht, und .* hat 4 GB/)
  assert.deepEqual(planWarning.parse(warning), warning)
})

test('what the helper sends fits the contract, and every sentence of it has its German', () => {
  const options = { verify: false, skipUnused: true, allowVirtual: true }
  const steps = [...stepsOf(request(), known, [drive]), ...stepsOf(request(options), strange, [drive, drive])]
  const warnings = [...warningsOf(request(options), strange, [drive]), ...warningsOf(request(), { ...known, sums: [] }, [])]
  for (const step of steps) assert.deepEqual(planStep.parse(step), step)
  for (const warning of warnings) assert.deepEqual(planWarning.parse(warning), warning)
  for (const sentence of [...steps, ...warnings]) {
    assert.notEqual(german(sentence), sentence.text)
    assert.doesNotMatch(german(sentence), /undefined|\[object/)
  }
  assert.equal(german(steps.find(({ code }) => code === 'unmount') as Sentence), '/media/me/BOOT, /media/me/ROOT aushängen.')
})

test('what is lost is named in both languages', () => {
  const volume = volumeLoss({ label: 'FOTOS', fs: 'vfat', sizeBytes: 3_900_000_000 })
  assert.equal(volume.text, '"FOTOS" (vfat, 3.9 GB)')
  assert.equal(german(volume), '„FOTOS“ (vfat, 3,9 GB)')
  assert.equal(german(volumeLoss({ label: null, fs: null, sizeBytes: 0 })), 'ein Datenträger ohne Namen')
  assert.equal(german(cardImageLoss('karte.img', 64e6)), 'was die Kartendatei karte.img (64 MB) jetzt enthält')
})

test('a common error is German as a whole, any other has at least a German headline above its English', () => {
  const error = { kind: 'refused', code: 'drive-swap', message: 'm', meaning: 'm', next: 'n' } as const
  assert.equal(germanErrorOf(error).meaning, 'Nichts wurde geschrieben.')
  const unheard = germanErrorOf({ ...error, code: 'unheard-of' })
  assert.deepEqual(unheard, { message: 'Das wird zur Sicherheit nicht getan.', meaning: null, next: null })
  // The same code while a job runs means something else for the card.
  assert.notEqual(germanErrorOf({ ...error, kind: 'failed', code: 'drive-changed' }).meaning, 'Nichts wurde geschrieben.')
})
