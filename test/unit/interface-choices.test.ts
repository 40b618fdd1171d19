import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { Drive, Job } from '../../native-helpers/contract.ts'
import { cardFileBytes, folderOf, isFullPath, joined, type Place, pathProblem } from '../../renderer/state/card-file.ts'
import { driveKey, labelsOf, sortDrives, useDrives } from '../../renderer/state/drives.ts'
import { givenSum, requestOf, useFlash } from '../../renderer/state/flash.ts'
import { fileName, imageTitle, isAddress, type OpenedImage } from '../../renderer/state/image.ts'
import { jobOnPath, overallFraction } from '../../renderer/state/jobs.ts'
import { addressOf, type FlashMode, type Route, routeOf } from '../../renderer/state/route.ts'

function drive(path: string, changes: Partial<Drive> = {}): Drive {
  return {
    identity: { path, serial: 'S1', sizeBytes: 32_010_928_128 },
    name: `Drive ${path}`,
    vendor: null,
    model: null,
    bus: 'usb',
    removable: true,
    readOnly: false,
    virtual: false,
    sectorSize: 512,
    picture: 'stick',
    partitions: [],
    whole: { label: null, fs: null, mounts: [] },
    refusals: [],
    ...changes,
  }
}

const partition = (label: string | null, sizeBytes = 1e9) => ({ path: '/dev/sdb1', sizeBytes, label, fs: 'vfat', mounts: [] })

const image: OpenedImage = {
  location: '/home/me/card.img',
  member: null,
  state: 'known',
  members: [],
  error: null,
  facts: {
    ref: { location: '/home/me/card.img' },
    name: 'card.img',
    format: 'raw',
    storedBytes: 1e9,
    contentBytes: 1e9,
    members: [],
    sums: [],
    bmap: null,
    shows: null,
  },
}

const fresh = useFlash.getInitialState()
beforeEach(() => useFlash.setState(fresh, true))

test('nothing is chosen beforehand, and without a choice there is no request', () => {
  const drives = [drive('/dev/sdb')]
  assert.deepEqual(useFlash.getState().chosen, [])
  assert.deepEqual(requestOf(useFlash.getState(), image, drives, false, 'write'), { missing: 'needDrive' })
  assert.deepEqual(requestOf(useFlash.getState(), null, drives, false, 'write'), { missing: 'needImage' })
})

test('the request names exactly the drives that were chosen', () => {
  const drives = [drive('/dev/sdb'), drive('/dev/sdc'), drive('/dev/sdd')]
  useFlash.getState().choose([driveKey(drives[1] as Drive)])
  const made = requestOf(useFlash.getState(), image, drives, false, 'write')
  assert.ok('request' in made)
  assert.deepEqual(made.request.targets, [{ kind: 'drive', identity: drives[1]?.identity }])
  assert.equal(made.request.options.allowVirtual, false)
  assert.equal(made.request.options.verify, true)
})

test('a drive that went away is not chosen any more, also when it comes back', () => {
  const one = drive('/dev/sdb', { name: 'Stick' })
  useFlash.getState().choose([driveKey(one)])
  useFlash.getState().drivesChanged([one], [])
  assert.equal(useFlash.getState().vanished, 'Stick')
  useFlash.getState().drivesChanged([], [one])
  assert.deepEqual(useFlash.getState().chosen, [])
})

test('another card in the same reader is another drive', () => {
  const reader = { serial: null, path: '/dev/sdb', sizeBytes: 32e9 }
  const before = drive('/dev/sdb', { identity: reader, partitions: [partition('HOLIDAYS')] })
  const after = drive('/dev/sdb', { identity: reader, partitions: [partition('bootfs')] })
  useFlash.getState().choose([driveKey(before)])
  useFlash.getState().drivesChanged([before], [after])
  assert.deepEqual(useFlash.getState().chosen, [])
})

test('being mounted or unmounted does not make it another drive', () => {
  const before = drive('/dev/sdb', { partitions: [partition('DATA')] })
  const after = drive('/dev/sdb', { partitions: [{ ...partition('DATA'), mounts: ['/media/me/DATA'] }] })
  assert.equal(driveKey(before), driveKey(after))
})

test('virtual drives are there only on request, and a request lifts no other reason', () => {
  const loop = drive('/dev/loop0', { virtual: true, removable: false, refusals: [{ code: 'virtual', reason: '' }] })
  const swap = drive('/dev/zram0', {
    virtual: true,
    refusals: [
      { code: 'virtual', reason: '' },
      { code: 'swap', reason: '' },
    ],
  })
  const system = drive('/dev/sda', { refusals: [{ code: 'system', reason: '' }] })
  const locked = drive('/dev/sdb', { refusals: [{ code: 'read-only', reason: '' }] })
  const all = [loop, swap, system, locked]
  assert.deepEqual(sortDrives(all, false), { offered: [], refusedCards: [locked], others: [system] })
  assert.deepEqual(sortDrives(all, true), { offered: [loop], refusedCards: [locked], others: [swap, system] })
})

test('a zip with several images needs a choice', () => {
  const members = [
    { name: 'a.img', sizeBytes: 1 },
    { name: 'b.img', sizeBytes: 2 },
  ]
  assert.deepEqual(requestOf(useFlash.getState(), { ...image, members }, [], false, 'write'), { missing: 'needMember' })
})

test('the kind of a checksum shows by its length, a line of a sum file is as good', () => {
  assert.deepEqual(givenSum('  '), { state: 'none' })
  assert.deepEqual(givenSum('abc'), { state: 'incomplete' })
  assert.deepEqual(givenSum(`${'A'.repeat(32)}  card.img`), { state: 'md5', value: 'a'.repeat(32) })
  assert.deepEqual(givenSum('0'.repeat(64)), { state: 'sha256', value: '0'.repeat(64) })
  assert.deepEqual(givenSum('g'.repeat(64)), { state: 'incomplete' })
})

test('the size of a card file is read as people write it, in whole sectors, and what is wrong with it is told apart', () => {
  for (const [text, bytes] of [
    ['8', 8_000_000_000],
    ['8 GB', 8_000_000_000],
    ['8GB', 8_000_000_000],
    ['8 gib', 8_589_934_592],
    [' 512 MB ', 512_000_000],
    ['512MiB', 536_870_912],
    ['0,064', 64_000_000],
    ['1.5 TB', 1_500_000_000_000],
    ['64G', 64_000_000_000],
  ] as const) {
    assert.equal(cardFileBytes(text), bytes, text)
  }
  assert.equal(Number(cardFileBytes('1.23456789')) % 512, 0)
  for (const [text, problem] of [
    [' ', 'empty'],
    ['-1', 'unreadable'],
    ['1e9', 'unreadable'],
    ['8 GBit', 'unreadable'],
    ['large', 'unreadable'],
    ['0', 'small'],
    ['0.9 MB', 'small'],
    ['5 TB', 'large'],
  ] as const) {
    assert.equal(cardFileBytes(text), problem, text)
  }
})

test('a card file needs a full path, on either kind of system', () => {
  assert.ok(isFullPath('/home/me/card.img') && isFullPath('C:\\cards\\a.img'))
  assert.ok(!isFullPath('card.img') && !isFullPath('/home/me/') && !isFullPath('/'))
  assert.deepEqual(['/cards/a.img', '/a.img', 'C:\\a.img', 'C:\\cards\\a.img'].map(folderOf), ['/cards', '/', 'C:\\', 'C:\\cards'])
  assert.deepEqual([joined('/', 'a.img'), joined('C:\\cards', 'a.img')], ['/a.img', 'C:\\cards\\a.img'])
})

test('a card file that is there is taken as it is; one that is not gets the size that was typed', () => {
  const cardFile = { wanted: true, path: '/home/me/a.img', size: '512 MB' }
  const ask = (place: Place, mode: FlashMode, size = cardFile.size) => {
    useFlash.setState({ cardFile: { ...cardFile, size, place } })
    const made = requestOf(useFlash.getState(), image, [], false, mode)
    return 'request' in made ? made.request.targets[0] : made.missing
  }
  const file = (sizeBytes: number | null) => ({ kind: 'file', path: '/home/me/a.img', sizeBytes })
  assert.deepEqual(ask('free', 'write'), file(512_000_000))
  assert.deepEqual(ask({ sizeBytes: 64e6 }, 'write', 'nonsense'), file(null))
  assert.deepEqual(ask({ sizeBytes: 64e6 }, 'check', 'nonsense'), file(null))
  assert.equal(ask('free', 'write', 'nonsense'), 'needFile')
  assert.equal(ask('unknown', 'write'), 'needFile')
  assert.equal(ask('no-folder', 'write'), 'needFile')
  assert.equal(ask('folder', 'write'), 'needFile')
  assert.equal(ask('free', 'check'), 'needFile')
  assert.equal(pathProblem({ path: '/home/me/a.img', place: 'free' }, 'check'), 'noFile')
  assert.equal(pathProblem({ path: 'a.img', place: 'unknown' }, 'write'), 'notFull')
})

test('a place in the app survives the address bar', () => {
  const routes: Route[] = [
    { screen: 'home' },
    { screen: 'history' },
    { screen: 'flash', mode: 'check' },
    { screen: 'drive', path: '\\\\.\\PhysicalDrive2' },
    { screen: 'drive', path: '/dev/disk/by-id/a%b' },
    { screen: 'job', id: 'a/b' },
  ]
  for (const route of routes) assert.deepEqual(routeOf(addressOf(route)), route)
  for (const odd of ['', '#', '#/nowhere', '#/drive', '#/job/']) assert.deepEqual(routeOf(odd), { screen: 'home' })
  assert.deepEqual(routeOf('#/drive/%E0%A4%A'), { screen: 'drive', path: '%E0%A4%A' })
})

test('images are called as people call them', () => {
  assert.equal(imageTitle('lampone-pi.img.xz'), 'lampone-pi')
  assert.equal(imageTitle('debian-13.iso'), 'debian-13')
  assert.equal(imageTitle('.img'), '.img')
  assert.equal(fileName('https://example.org/a/b.img.xz?x=1#y'), 'b.img.xz')
  assert.equal(fileName('C:\\images\\a.iso'), 'a.iso')
  assert.ok(isAddress(' https://example.org/a.img ') && !isAddress('ftp://example.org/a') && !isAddress('https://a b'))
})

function job(id: string, path: string, changes: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'flash',
    imageName: 'card.img',
    state: 'done',
    startedAt: 1000,
    endedAt: 2000,
    targets: [{ label: 'Stick', path, state: 'done', writtenBytes: 1, verifiedBytes: 1, error: null }],
    checks: [],
    progress: {
      phase: 'ended',
      doneBytes: 1,
      totalBytes: 1,
      fraction: 1,
      bytesPerSecond: 0,
      averageBytesPerSecond: 0,
      secondsLeft: null,
      limitedBy: null,
      skippedBytes: 0,
      curve: [],
    },
    error: null,
    ...changes,
  }
}

test('what a job did is said of a drive only while that drive stays plugged in', () => {
  const jobs = { a: job('a', '/dev/sdb') }
  assert.equal(jobOnPath(jobs, '/dev/sdb', 500)?.id, 'a')
  assert.equal(jobOnPath(jobs, '/dev/sdb', 1500), null)
  assert.equal(jobOnPath(jobs, '/dev/sdc', 500), null)

  useDrives.getState().received([drive('/dev/sdb')], 100)
  useDrives.getState().received([drive('/dev/sdb'), drive('/dev/sdc')], 200)
  assert.deepEqual(useDrives.getState().since, { '/dev/sdb': 100, '/dev/sdc': 200 })
  useDrives.getState().received([drive('/dev/sdc')], 300)
  useDrives.getState().received([drive('/dev/sdb'), drive('/dev/sdc')], 400)
  assert.equal(useDrives.getState().since['/dev/sdb'], 400)
  useDrives.getState().received([drive('/dev/sdb', { identity: { path: '/dev/sdb', serial: 'S1', sizeBytes: 0 } })], 500)
  assert.equal(useDrives.getState().since['/dev/sdb'], 500)
})

test('the taskbar shows the mean of what runs, and nothing when nothing does', () => {
  const running = (id: string, fraction: number | null) => {
    const one = job(id, '/dev/sdb', { state: 'running' })
    return { ...one, progress: { ...one.progress, fraction } }
  }
  assert.equal(overallFraction({ a: job('a', '/dev/sdb') }), null)
  assert.equal(overallFraction({ a: running('a', 0.5), b: running('b', null) }), 0.25)
})

test('labels in the order of the partitions, empty ones left out', () => {
  assert.deepEqual(
    labelsOf(drive('/dev/sdb', { partitions: [partition('bootfs'), partition(''), partition(null), partition('rootfs')] })),
    ['bootfs', 'rootfs'],
  )
})
