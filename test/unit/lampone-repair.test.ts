import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeUuidNear } from '../../native-helpers/systems/lampone/kernel-partition.ts'
import { type MenuTargets, mendedMenu, withLength } from '../../native-helpers/systems/lampone/menu-edit.ts'
import { withEverythingKept } from '../../native-helpers/systems/lampone/persistence-conf.ts'
import { identifyIso9660 } from '../../native-helpers/volumes/identify-iso9660.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { isoContentRange } from '../../native-helpers/volumes/iso9660-extent.ts'
import { dateOfIsoUuid, forgetIsoSession, isoUuidOfDate, setIsoUuid } from '../../native-helpers/volumes/iso9660-identity.ts'
import { makeIso9660 } from '../../native-helpers/volumes/making/iso9660.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { bootMenu } from '../support/lampone.ts'
import { noise } from '../support/memory-device.ts'
import { recordingCard } from '../support/power-cut.ts'

const [system, kernel, other] = ['2020-06-14-12-30-11-00', '2020-06-14-12-30-12-00', '2019-01-01-00-00-00-00']
const part = (uuid: string) => ({ iso: { uuid } }) as MenuTargets['system']
const targets: MenuTargets = {
  system: part(system),
  kernel: part(kernel),
  systemNumber: 2,
  kernelNumber: 3,
  systemUuid: system,
  kernelUuid: kernel,
  otherUuids: new Set(['1234-abcd']),
}
const whole = bootMenu('lampone', 1, system, kernel)

test('a menu that leads where it should is left as it is', () => {
  assert.equal(mendedMenu(whole, targets), whole)
  const own = whole.replace(kernel, '1234-ABCD')
  assert.equal(mendedMenu(own, targets), own, 'an entry that starts something else on the card')
})

test('each kind of damage to a menu is mended, and only that', () => {
  const damaged: [string, string][] = [
    ['the usual entry is lost', whole.replace(`--fs-uuid ${kernel}`, `--fs-uuid ${other}`)],
    ['the repair entry is lost', whole.replace(`--fs-uuid ${system}`, `--fs-uuid ${other}`)],
    ['both are', whole.replaceAll(/--fs-uuid \S+/g, `--fs-uuid ${other}`)],
    ['the system is another one', whole.replaceAll(/fromiso=\S+/g, `fromiso=${other}`)],
    ['the fallback is no entry', whole.replace('fallback=1', 'fallback=2')],
    ['all of that', whole.replaceAll(kernel, other).replaceAll(system, other).replace('fallback=1', 'fallback=9')],
  ]
  for (const [what, text] of damaged) assert.equal(mendedMenu(text, targets), whole, what)
  const quoted = whole.replace('fallback=1', 'fallback="7"')
  assert.equal(mendedMenu(quoted, targets), whole.replace('fallback=1', 'fallback="1"'))
  const byPath = whole.replaceAll(`fromiso=${system}`, `fromiso=/dev/disk/by-uuid/${other}`)
  assert.equal(mendedMenu(byPath, targets), whole.replaceAll(`fromiso=${system}`, `fromiso=/dev/disk/by-uuid/${system}`))
})

test('two partitions that had the same identity: hints tell which entry meant which', () => {
  const same = bootMenu('lampone', 1, system, system)
  const renamed = { ...targets, kernel: part(system) }
  assert.equal(mendedMenu(same, renamed), whole)
  const unhinted = same.replaceAll(/ --hint=\S+/g, '')
  assert.equal(mendedMenu(unhinted, renamed), whole.replaceAll(/ --hint=\S+/g, ''), 'by what the repair entry says to the kernel')
})

test('a menu that is no menu, or is written in another way, is not changed', () => {
  assert.equal(mendedMenu('', targets), '')
  const variable = `set where=${other}\n${whole.replace(`--fs-uuid ${kernel}`, '--fs-uuid $where')}`
  assert.equal(mendedMenu(variable, targets), null)
  const nested = `submenu 'More' {\n${whole.replace('Standard boot', 'Standard')}}\n`
  assert.equal(mendedMenu(nested, targets), nested.replace('fallback=1', 'fallback=0>1'), 'entries of a submenu count within it')
  const oneLine = whole.replaceAll('\n', ' ; ')
  assert.ok([oneLine, null].includes(mendedMenu(oneLine.replace(kernel, other), targets)))
})

test('a text keeps its length, whatever changes in it', () => {
  assert.equal(withLength('a\n\tb', 6), 'a\n\tb\n\n')
  assert.equal(withLength('a\n\tbc\n  d', 7), 'a\nbc\n d')
  assert.equal(withLength('abc', 2), null)
})

test('a UUID of an ISO volume and its date', () => {
  assert.equal(isoUuidOfDate(dateOfIsoUuid('2020-06-14-12-30-11-07') ?? new Date(0)), '2020-06-14-12-30-11-07')
  for (const none of ['2020-13-14-12-30-11-00', '2020-02-30-12-30-11-00', '1234-ABCD', '', '2020-06-14-12-30-11']) {
    assert.equal(dateOfIsoUuid(none), null, none)
  }
  assert.equal(freeUuidNear(system, new Set([system])), '2020-06-14-12-30-11-01')
  assert.equal(freeUuidNear(`${system.slice(0, -1)}9`, new Set([system])), '2020-06-14-12-30-11-01')
})

test('another identity for a volume is one sector, and both of its descriptors have it', () => {
  const card = recordingCard(new Uint8Array(1024 * 1024))
  const entries = [{ kind: 'file', path: 'live/vmlinuz', content: noise(5000) }] as const
  const end = makeIso9660(card, { volumeId: 'SK-SYSTEM2', entries, date: new Date(Date.UTC(2020, 5, 14)), sessionSector: 32 })
  card.events.length = 0
  assert.ok(setIsoUuid(card, '2020-06-14-00-00-00-05'))
  for (const event of card.events) {
    if (event.kind !== 'write') continue
    assert.equal(Math.floor(event.offset / 512), Math.floor((event.offset + event.bytes.length - 1) / 512))
  }
  assert.equal(identifyIso9660(card)?.uuid, '2020-06-14-00-00-00-05')
  assert.equal(openIso9660(card, 32).value?.uuid, '2020-06-14-00-00-00-05')
  assert.deepEqual(isoContentRange(card), { start: (32 + 18) * 2048, end })
  forgetIsoSession(card)
  assert.equal(openIso9660(card, 32).value, null)
  assert.ok(findNode(openIso9660(card).value ?? assert.fail(), 'live/vmlinuz'))
})

test('a volume beside another one: the old one is whole until the descriptors are written', () => {
  const card = recordingCard(new Uint8Array(1024 * 1024))
  const date = new Date(Date.UTC(2020, 5, 14))
  const volume = (seed: number) => ({
    volumeId: 'SK-SYSTEM2',
    entries: [{ kind: 'file', path: 'live/vmlinuz', content: noise(50_000, seed) }] as const,
    date,
  })
  makeIso9660(card, volume(1))
  const { end } = isoContentRange(card) ?? assert.fail()
  const firstOf = () => {
    const { value } = findNode(openIso9660(card).value ?? assert.fail(), 'live/vmlinuz')?.open() ?? assert.fail()
    const bytes = new Uint8Array(value?.size ?? 0)
    value?.readSync(bytes, 0)
    return bytes
  }
  let settled = 0
  makeIso9660(card, {
    ...volume(2),
    contentSector: end / 2048,
    settle: () => {
      settled += 1
      assert.deepEqual(firstOf(), noise(50_000, 1))
    },
  })
  assert.equal(settled, 1)
  assert.deepEqual(firstOf(), noise(50_000, 2))
  assert.equal(isoContentRange(card)?.start, end)
})

test('persistence.conf keeps what else it says', () => {
  assert.equal(withEverythingKept(''), '/ union\n')
  assert.equal(withEverythingKept('# only these\n/home bind\n'), '# only these\n/home bind\n/ union\n')
  assert.equal(withEverythingKept('/ union\r\n'), '/ union\n')
  assert.equal(withEverythingKept('/\n/srv union'), '/srv union\n/ union\n')
})
