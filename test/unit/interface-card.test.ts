import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding, Report, ReportOverlay, ReportPartition } from '../../native-helpers/contract.ts'
import { findingKinds } from '../../native-helpers/systems/all-findings.ts'
import { movedTo } from '../../renderer/components/use-roving.ts'
import { germanFindings } from '../../renderer/i18n/de-findings.ts'
import { fullnessOf, healthOf, worstFirst } from '../../renderer/state/card-health.ts'
import { mapPieces } from '../../renderer/state/card-map.ts'
import { addressOf, routeOf } from '../../renderer/state/route.ts'

const MB = 1e6
const system: Report['system'] = { id: 'liveos', name: 'Fedora LiveOS stick', generation: null, evidence: [] }

function finding(severity: Finding['severity'], remedy: Finding['remedy'] = null, id: string = severity): Finding {
  return { id, severity, title: 't', detail: 'd', meaning: 'm', remedy, partition: null }
}

function partition(number: number, start: number, size: number, changes: Partial<ReportPartition> = {}): ReportPartition {
  const names = { partlabel: null, partuuid: null, fs: null, label: null, uuid: null, role: null }
  return { number, start, size, type: '83', used: null, ...names, ...changes }
}

function overlay(partitionNumber: number, kind: ReportOverlay['kind'], totalBytes: number): ReportOverlay {
  const state = { state: 'ok', usedBytes: totalBytes / 2, totalBytes, snapshot: null, filesystem: null } as const
  return { path: 'LiveOS/overlay', partition: partitionNumber, kind, ...state }
}

function pieces(size: number | null, partitions: ReportPartition[], overlays: ReportOverlay[] = []) {
  return mapPieces({ target: { kind: 'image', path: '/card.img', size, sectorSize: 512 }, partitions, overlays })
}

test('how a card is: the worst that was found decides, and a repair counts more than anything else', () => {
  assert.deepEqual(healthOf({ system, findings: [] }), { state: 'healthy' })
  assert.deepEqual(healthOf({ system: null, findings: [] }), { state: 'unknown' })
  assert.deepEqual(healthOf({ system, findings: [finding('info', 'repair')] }), { state: 'healthy' })
  assert.deepEqual(healthOf({ system, findings: [finding('warning'), finding('warning', 'repair')] }), {
    state: 'warnings',
    count: 2,
  })
  assert.deepEqual(healthOf({ system, findings: [finding('warning', 'enlarge')] }), { state: 'room' })
  assert.deepEqual(healthOf({ system, findings: [finding('warning'), finding('error')] }), { state: 'problems', count: 1 })
  assert.deepEqual(healthOf({ system: null, findings: [finding('error'), finding('error', 'repair')] }), { state: 'repair' })
})

test('findings stand with the worst first, and else in the order in which they were told', () => {
  const told = [finding('info', null, 'a'), finding('error', null, 'b'), finding('warning', null, 'c'), finding('error', null, 'd')]
  assert.deepEqual(
    worstFirst(told).map(({ id }) => id),
    ['b', 'd', 'c', 'a'],
  )
})

test('room is tight from 80 % on, and full only where nothing is left', () => {
  assert.equal(fullnessOf(79, 100), 'room')
  assert.equal(fullnessOf(80, 100), 'nearly-full')
  assert.equal(fullnessOf(99, 100), 'nearly-full')
  assert.equal(fullnessOf(100, 100), 'full')
  assert.equal(fullnessOf(0, 0), 'room')
})

test('the map has every part in the order of its bytes, and room that no partition takes', () => {
  const shown = pieces(1000 * MB, [partition(2, 300 * MB, 400 * MB), partition(1, 1 * MB, 200 * MB)])
  assert.deepEqual(
    shown.map(({ kind, partition: one, startBytes }) => [kind, one?.number ?? null, startBytes]),
    [
      ['partition', 1, 1 * MB],
      ['gap', null, 201 * MB],
      ['partition', 2, 300 * MB],
      ['gap', null, 700 * MB],
    ],
  )
  assert.deepEqual(pieces(null, [partition(1, 0, 10)]), [], 'a folder has no map')
  assert.deepEqual(pieces(1000, []), [])
})

test('a hybrid image: the boot partition lies inside the volume around it, and no byte is drawn twice', () => {
  const shown = pieces(1000 * MB, [partition(0, 0, 1000 * MB), partition(1, 0, 1000 * MB), partition(2, 400 * MB, 100 * MB)])
  assert.equal(
    shown.reduce((sum, piece) => sum + piece.sizeBytes, 0),
    1000 * MB,
  )
  assert.equal(shown.filter((piece) => piece.partition?.number === 2).length, 1)
})

test('containers of logical partitions are not drawn, nor what lies beyond the end', () => {
  const shown = pieces(100 * MB, [
    partition(1, 0, 40 * MB),
    partition(2, 40 * MB, 60 * MB, { type: '05' }),
    partition(5, 41 * MB, 59 * MB),
    partition(6, 200 * MB, 50 * MB),
  ])
  assert.deepEqual(
    shown.map((piece) => piece.partition?.number),
    [1, 5],
  )
  assert.ok(shown.every((piece) => piece.sizeBytes <= 100 * MB))
})

test('a stick with an overlay on it: system, changes and what is free, together as large as the partition', () => {
  const stick = partition(1, MB, 999 * MB, { used: 600 * MB, fs: 'vfat' })
  const shown = pieces(1000 * MB, [stick], [overlay(1, 'dm-snapshot', 200 * MB)])
  assert.deepEqual(
    shown.map(({ kind, sizeBytes }) => [kind, sizeBytes / MB]),
    [
      ['files', 400],
      ['overlay', 200],
      ['rest', 399],
    ],
  )
  assert.equal(shown[1]?.usedFraction, 0.5)
  const impossible = pieces(1000 * MB, [stick], [overlay(1, 'dm-snapshot', 5000 * MB)])
  assert.deepEqual(
    impossible.map(({ kind }) => kind),
    ['partition'],
    'one that is larger than its stick cannot be drawn',
  )
  const own = pieces(1000 * MB, [stick], [overlay(1, 'ext4-rw', 999 * MB)])
  assert.deepEqual(
    own.map(({ kind, overlay: held }) => [kind, held?.kind]),
    [['partition', 'ext4-rw']],
  )
})

test('arrow keys go one on or a row, stop at both ends, and leave other keys alone', () => {
  assert.equal(movedTo('ArrowRight', 3, 10, 4), 4)
  assert.equal(movedTo('ArrowLeft', 0, 10, 4), 0)
  assert.equal(movedTo('ArrowDown', 3, 10, 4), 7)
  assert.equal(movedTo('ArrowDown', 8, 10, 4), 9)
  assert.equal(movedTo('Home', 8, 10, 4), 0)
  assert.equal(movedTo('End', 0, 10, 4), 9)
  assert.equal(movedTo('Tab', 0, 10, 4), null)
  assert.equal(movedTo('a', 0, 10, 4), null)
})

test('a path survives the address, whatever is in it', () => {
  for (const path of ['/home/me/card.img', '/a b/ü#?%.img', 'C:\\cards\\a.img', '/dev/sdb']) {
    assert.deepEqual(routeOf(addressOf({ screen: 'card', path })), { screen: 'card', path })
    assert.deepEqual(routeOf(addressOf({ screen: 'drive', path })), { screen: 'drive', path })
  }
})

test('nothing is translated that is not told any more', () => {
  const told = new Set(findingKinds.flatMap(({ kinds }) => Object.keys(kinds)))
  assert.deepEqual(
    Object.keys(germanFindings).filter((id) => !told.has(id)),
    [],
  )
})
