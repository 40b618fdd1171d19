import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DriveFacts } from '../../native-helpers/drives/facts.ts'
import { decimalSize, driveName, drivePicture } from '../../native-helpers/drives/name.ts'
import { refusalsFor, standingRefusals } from '../../native-helpers/drives/rules.ts'
import { mountOwner } from '../../native-helpers/drives/system-paths.ts'

const stick: DriveFacts = {
  path: '/dev/sdb',
  kind: 'disk',
  deviceNumber: '8:16',
  attachment: '12',
  serial: '4C530001',
  sizeBytes: 15_376_318_464,
  vendor: 'SanDisk',
  model: 'Cruzer',
  bus: 'usb',
  removable: true,
  readOnly: false,
  sectorSize: 512,
  isCard: false,
  isSystem: false,
  volumes: [],
  whole: { label: null, fs: null, mounts: [] },
  uses: [],
}

const mount = (at: string, through: string | null = null) => ({ kind: 'mount', at, through }) as const

test('a drive is refused for every reason there is, and for no other', () => {
  const rows: [string, Partial<DriveFacts>, string[]][] = [
    ['a stick that nothing uses', {}, []],
    ["a stick on the user's desktop", { uses: [mount('/media/ann/STICK'), mount('/run/media/ann/DATA')] }, []],
    ['a card mounted by hand', { uses: [mount('/mnt')] }, []],
    ['the disk that carries /', { uses: [mount('/')] }, ['system']],
    [
      'the disk below an encrypted /',
      { uses: [mount('/', 'dm-0'), { kind: 'holder', name: 'dm-0', what: 'x' }] },
      ['system', 'holder'],
    ],
    ['the medium of a Debian live system', { uses: [mount('/run/live/medium')] }, ['system']],
    ['the medium of a Fedora live system', { uses: [mount('/run/initramfs/live')] }, ['system']],
    ['the medium of an old Debian live system', { uses: [mount('/lib/live/mount/medium')] }, ['system']],
    ['the medium of an Ubuntu live system', { uses: [mount('/cdrom')] }, ['system']],
    ['the medium of an Arch live system', { uses: [mount('/run/archiso/bootmnt')] }, ['system']],
    ['a read-only root below an overlay', { uses: [mount('/media/root-ro')] }, ['system']],
    ['the disk with /usr', { uses: [mount('/usr')] }, ['system']],
    ['the disk with /boot/efi', { uses: [mount('/boot/efi')] }, ['mounted-system']],
    ['the disk with all homes', { uses: [mount('/home')] }, ['mounted-system']],
    ["the disk with one person's home", { uses: [mount('/home/ann')] }, ['mounted-system']],
    ["a disk inside somebody's home", { uses: [mount('/home/ann/films')] }, []],
    ['the disk with /nix/store', { uses: [mount('/nix/store')] }, ['mounted-system']],
    ['a disk at a place that nobody foresaw', { uses: [mount('/data')] }, ['mounted-system']],
    ['the disk with /tmp', { uses: [mount('/tmp')] }, ['mounted-system']],
    ['an image mounted in /tmp', { uses: [mount('/tmp/card')] }, []],
    ['a container that shows its host file by file', { uses: [mount('/etc/hosts')] }, ['mounted-system']],
    ['a swap partition', { uses: [{ kind: 'swap', at: '/dev/sdb2' }] }, ['swap']],
    ['a part of a RAID', { uses: [{ kind: 'holder', name: 'md0', what: 'part of a RAID' }] }, ['holder']],
    ['a loop device', { kind: 'virtual' }, ['virtual']],
    ['zram as swap', { kind: 'virtual', uses: [{ kind: 'swap', at: '/dev/zram0' }] }, ['swap', 'virtual']],
    ['an LVM volume', { kind: 'composed' }, ['unknown']],
    ['a DVD writer', { kind: 'optical' }, ['unknown']],
    ['the boot area of a soldered chip', { kind: 'boot-area' }, ['unknown']],
    ['a locked card', { isCard: true, readOnly: true }, ['read-only']],
    ['a reader without a card', { sizeBytes: 0 }, ['empty']],
    ['a reader without a card that says read-only', { sizeBytes: 0, readOnly: true }, ['empty']],
    ['a disk that the platform calls its own', { isSystem: true }, ['system']],
  ]
  for (const [what, facts, codes] of rows) {
    const refusals = refusalsFor({ ...stick, ...facts })
    assert.deepEqual(
      refusals.map(({ code }) => code),
      codes,
      what,
    )
    for (const { reason } of refusals) assert.match(reason, /^[A-Z].*[.)]$/, `${what}: "${reason}" is a sentence`)
  }
})

test('the permission for virtual drives lifts that reason and no other', () => {
  const swap = refusalsFor({ ...stick, kind: 'virtual', uses: [{ kind: 'swap', at: '/dev/zram0' }] })
  assert.deepEqual(
    standingRefusals(swap, true).map(({ code }) => code),
    ['swap'],
  )
  assert.deepEqual(
    standingRefusals(swap, false).map(({ code }) => code),
    ['swap', 'virtual'],
  )
  assert.deepEqual(standingRefusals(refusalsFor({ ...stick, kind: 'virtual' }), true), [])
  assert.equal(standingRefusals(refusalsFor({ ...stick, kind: 'composed' }), true).length, 1)
})

test('the reasons are said as people would', () => {
  const reasonsOf = (facts: Partial<DriveFacts>) => refusalsFor({ ...stick, ...facts }).map(({ reason }) => reason)
  assert.deepEqual(reasonsOf({ uses: [mount('/')] }), ['This is the disk that this computer runs from.'])
  assert.deepEqual(reasonsOf({ uses: ['/home', '/var', '/srv', '/opt', '/data', '/snap'].map((at) => mount(at)) }), [
    'This computer keeps /home, /var, /srv, /opt and 2 more on it.',
  ])
  const loops = ['loop0', 'loop3'].map((name) => ({ kind: 'holder', name, what: 'a disk made of one of its files' }) as const)
  assert.deepEqual(reasonsOf({ uses: [...loops, { kind: 'holder', name: 'md0', what: 'part of a RAID' }] }), [
    'It is in use as a disk made of one of its files (loop0 and loop3) and as part of a RAID (md0); that has to be closed first.',
  ])
  assert.deepEqual(reasonsOf({ isCard: true, sizeBytes: 0 }), ['No card is in this reader.'])
})

test('a mount point that only looks like one of the user is the computer’s', () => {
  assert.equal(mountOwner('/mediawiki'), 'system')
  assert.equal(mountOwner('/media'), 'user')
  assert.equal(mountOwner('/mnt/live/memory'), 'root')
  assert.equal(mountOwner('/run/user/1000/doc'), 'system')
  assert.equal(mountOwner('/System/Volumes/Data'), 'root')
  assert.equal(mountOwner('/Volumes/STICK'), 'user')
})

test('a drive is called what is printed on it', () => {
  const rows: [Partial<DriveFacts>, string, string][] = [
    [{}, 'SanDisk Cruzer 16 GB', 'stick'],
    [{ sizeBytes: 31_914_983_424, vendor: null, model: 'SL32G', bus: 'mmc', isCard: true }, 'SL32G 32 GB', 'card'],
    [{ sizeBytes: 62_500_000_000, vendor: 'Samsung', model: 'Samsung Flash Drive' }, 'Samsung Flash Drive 64 GB', 'stick'],
    [{ sizeBytes: 1_031_798_784, model: null, vendor: null }, 'USB drive 1 GB', 'stick'],
    [{ sizeBytes: 1_000_204_886_016, vendor: 'WD', model: 'Elements 25A2', removable: true }, 'WD Elements 25A2 1 TB', 'disk'],
    [
      { sizeBytes: 500_107_862_016, vendor: null, model: 'CT500MX500SSD1', bus: 'sata', removable: false },
      'CT500MX500SSD1 500 GB',
      'disk',
    ],
    [
      { kind: 'virtual', vendor: null, model: 'loop0 (card.img)', sizeBytes: 64_000_000 },
      'Virtual drive loop0 (card.img) 64 MB',
      'virtual',
    ],
    [{ sizeBytes: 0, vendor: null, model: null, isCard: true }, 'Card', 'card'],
  ]
  for (const [facts, name, picture] of rows) {
    assert.equal(driveName({ ...stick, ...facts }), name)
    assert.equal(drivePicture({ ...stick, ...facts }), picture, name)
  }
  assert.deepEqual([0, 999, 1500, 999_999, 15_376_318_464, 8e12].map(decimalSize), [
    '0 bytes',
    '999 bytes',
    '1.5 kB',
    '1 MB',
    '15 GB',
    '8 TB',
  ])
})
