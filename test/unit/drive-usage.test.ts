import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Use } from '../../native-helpers/drives/facts.ts'
import { mountOf, overlayFolders, parseMounts, parseSwaps } from '../../native-helpers/drives/platform/linux/mounts.ts'
import { deviceNumber } from '../../native-helpers/drives/platform/linux/numbers.ts'
import type { BlockNode } from '../../native-helpers/drives/platform/linux/sysfs.ts'
import { type UsageState, usesByDrive } from '../../native-helpers/drives/platform/linux/usage.ts'

/** A machine's devices: a SATA disk sda, sticks sdb and sdc, and whatever a case adds. */
const devices: Partial<BlockNode>[] = [
  { name: 'sda', number: '8:0' },
  { name: 'sda1', number: '8:1', parent: '8:0' },
  { name: 'sda2', number: '8:2', parent: '8:0' },
  { name: 'sdb', number: '8:16' },
  { name: 'sdb1', number: '8:17', parent: '8:16' },
  { name: 'sdc', number: '8:32' },
  { name: 'sdc1', number: '8:33', parent: '8:32' },
]

interface Machine {
  add?: Partial<BlockNode>[]
  mounts?: string[]
  swaps?: string[]
  btrfs?: string[][]
  zfs?: string[]
  files?: Record<string, string>
}

function usesOn(machine: Machine): (drive: string) => string[] {
  const all = [...devices, ...(machine.add ?? [])].map(
    (node): BlockNode => ({
      path: `/dev/${node.name}`,
      name: '',
      number: '',
      parent: null,
      sizeBytes: 1 << 30,
      readOnly: false,
      removable: false,
      sectorSize: 512,
      slaves: [],
      holders: [],
      backingFile: null,
      sequence: null,
      folder: '',
      ...node,
    }),
  )
  const fileNumbers = new Map(
    Object.entries(machine.files ?? {}).map(([path, number]) => [
      path,
      { number, isDevice: path.startsWith('/dev/'), inode: BigInt(path.length) },
    ]),
  )
  const state: UsageState = {
    nodes: new Map(all.map((node) => [node.number, node])),
    mounts: parseMounts((machine.mounts ?? []).map((line, index) => `${index} 1 ${line}`).join('\n')),
    swaps: machine.swaps ?? [],
    btrfs: machine.btrfs ?? [],
    zfs: machine.zfs ?? [],
    fileNumbers,
  }
  const uses = usesByDrive(state)
  return (name) => (uses.get(all.find((node) => node.name === name)?.number ?? '') ?? []).map(words).sort()
}

function words(use: Use): string {
  if (use.kind === 'mount') return `${use.at}${use.through ? ` through ${use.through}` : ''}`
  return use.kind === 'swap' ? `swap ${use.at}` : `held by ${use.name}`
}

test('a mounted partition is a use of its drive', () => {
  const uses = usesOn({
    mounts: [
      '8:2 / / rw - ext4 /dev/sda2 rw',
      '8:17 / /media/ann/A\\040B rw - vfat /dev/sdb1 rw',
      '0:21 / /proc rw - proc proc rw',
    ],
  })
  assert.deepEqual(uses('sda'), ['/'])
  assert.deepEqual(uses('sdb'), ['/media/ann/A B'])
  assert.deepEqual(uses('sdc'), [])
})

test('LVM on an encrypted partition leads to the disk below', () => {
  const uses = usesOn({
    add: [
      { name: 'sda2', number: '8:2', parent: '8:0', holders: ['dm-0'] },
      { name: 'dm-0', number: '253:0', slaves: ['8:2'], holders: ['dm-1'] },
      { name: 'dm-1', number: '253:1', slaves: ['253:0'] },
    ],
    mounts: ['253:1 / / rw - ext4 /dev/mapper/vg-root rw'],
  })
  assert.deepEqual(uses('sda'), ['/ through dm-1', 'held by dm-0'])
})

test('a RAID counts for each of its disks', () => {
  const uses = usesOn({
    add: [{ name: 'md0', number: '9:0', slaves: ['8:17', '8:33'] }],
    mounts: ['9:0 / /home rw - ext4 /dev/md0 rw'],
  })
  assert.deepEqual(uses('sdb'), ['/home through md0'])
  assert.deepEqual(uses('sdc'), ['/home through md0'])
})

test('a live system: overlay over a squashfs in a file on a stick', () => {
  const uses = usesOn({
    add: [{ name: 'loop0', number: '7:0', backingFile: '/run/live/medium/live/filesystem.squashfs' }],
    mounts: [
      '0:25 / / rw - overlay overlay rw,lowerdir=/run/live/rootfs/filesystem.squashfs/,upperdir=/run/live/overlay/rw,workdir=/run/live/overlay/work',
      '0:26 / /run/live/overlay rw - tmpfs tmpfs rw',
      '8:17 / /run/live/medium ro - iso9660 /dev/sdb1 ro',
      '7:0 / /run/live/rootfs/filesystem.squashfs ro - squashfs /dev/loop0 ro',
    ],
    files: { '/run/live/medium/live/filesystem.squashfs': '8:17' },
  })
  assert.deepEqual(uses('sdb'), [
    '/ through loop0',
    '/run/live/medium',
    '/run/live/rootfs/filesystem.squashfs through loop0',
    'held by loop0',
  ])
  assert.deepEqual(uses('sda'), [])
})

test('a live system whose file cannot be looked at is found by the mount it lies on', () => {
  const uses = usesOn({
    add: [{ name: 'loop0', number: '7:0', backingFile: '/boot/live/root.squashfs' }],
    mounts: ['7:0 / / ro - squashfs /dev/loop0 ro', '8:33 / /boot rw - vfat /dev/sdc1 rw'],
  })
  assert.deepEqual(uses('sdc'), ['/ through loop0', '/boot', 'held by loop0'])
})

test('a loop device over a whole drive holds the drive', () => {
  const uses = usesOn({ add: [{ name: 'loop3', number: '7:3', backingFile: '/dev/sdb' }], files: { '/dev/sdb': '8:16' } })
  assert.deepEqual(uses('sdb'), ['held by loop3'])
})

test('btrfs: every device of the filesystem that is mounted by one of them', () => {
  const uses = usesOn({
    mounts: ['0:40 /@home /home rw - btrfs /dev/sda2 rw'],
    btrfs: [['8:2', '8:17']],
    files: { '/dev/sda2': '8:2' },
  })
  assert.deepEqual(uses('sda'), ['/home'])
  assert.deepEqual(uses('sdb'), ['/home'])
  assert.deepEqual(uses('sdc'), [])
})

test('btrfs as root whose source has no name any more: every btrfs rather than none', () => {
  const uses = usesOn({ mounts: ['0:40 /@ / rw - btrfs /dev/root rw'], btrfs: [['8:2']] })
  assert.deepEqual(uses('sda'), ['/'])
})

test('bcachefs names its devices in a row; ZFS names none', () => {
  const bcachefs = usesOn({
    mounts: ['0:41 / /srv rw - bcachefs /dev/sdb1:/dev/sdc1 rw'],
    files: { '/dev/sdb1': '8:17', '/dev/sdc1': '8:33' },
  })
  assert.deepEqual([bcachefs('sdb'), bcachefs('sdc')], [['/srv'], ['/srv']])
  const zfs = usesOn({ mounts: ['0:42 / / rw - zfs rpool/root rw'], zfs: ['8:2'] })
  assert.deepEqual(zfs('sda'), ['/'])
})

test('swap on a partition, on a volume, and in a file', () => {
  const uses = usesOn({
    add: [{ name: 'dm-2', number: '253:2', slaves: ['8:33'] }],
    mounts: ['8:2 / / rw - ext4 /dev/sda2 rw'],
    swaps: ['/swapfile', '/dev/sdb1', '/dev/dm-2', '/swap on root'],
    files: { '/swapfile': '8:2', '/dev/sdb1': '8:17', '/dev/dm-2': '253:2' },
  })
  assert.deepEqual(uses('sda'), ['/', 'swap /swap on root', 'swap /swapfile'])
  assert.deepEqual(uses('sdb'), ['swap /dev/sdb1'])
  assert.deepEqual(uses('sdc'), ['swap /dev/dm-2'])
})

test('a bind mount is a use like any other', () => {
  const uses = usesOn({ mounts: ['8:17 /exports /srv/nfs rw - ext4 /dev/sdb1 rw'] })
  assert.deepEqual(uses('sdb'), ['/srv/nfs'])
})

test('things that point at each other in a ring come to an end', () => {
  const uses = usesOn({
    add: [
      { name: 'loop0', number: '7:0', backingFile: '/a/b.img' },
      { name: 'loop1', number: '7:1', backingFile: '/b/a.img' },
    ],
    mounts: [
      '7:1 / /a rw - ext4 /dev/loop1 rw',
      '7:0 / /b rw - ext4 /dev/loop0 rw',
      '0:50 / /o rw - overlay overlay rw,lowerdir=/o/x:/a',
    ],
  })
  assert.deepEqual(uses('loop0'), ['/a through loop1', '/b', '/o through loop1', 'held by loop0', 'held by loop1'])
})

test('overlay folders with commas and colons in their names', () => {
  const [mount] = parseMounts('1 2 0:5 / / rw - overlay overlay rw,lowerdir=/a\\\\:b:/c\\\\,d::/data,upperdir=/up')
  assert.ok(mount)
  assert.deepEqual(overlayFolders({ ...mount, options: 'rw,lowerdir=/a\\:b:/c\\,d::/data,upperdir=/up,workdir=/w' }), [
    '/a:b',
    '/c,d',
    '/data',
    '/up',
    '/w',
  ])
})

test('the deepest mount covers a path, and of several at one place the last', () => {
  const mounts = parseMounts(
    ['1 0 8:1 / / rw - ext4 a rw', '2 1 8:2 / /var rw - ext4 b rw', '3 2 8:3 / /var rw - ext4 c rw'].join('\n'),
  )
  assert.equal(mountOf('/var/lib', mounts)?.source, 'c')
  assert.equal(mountOf('/variable', mounts)?.source, 'a')
})

test('swaps and device numbers as the kernel writes them', () => {
  assert.deepEqual(parseSwaps('Filename\tType\tSize\n/dev/zram0  partition 1 0 100\n/swap\\040file file 1 0 -2\n'), [
    '/dev/zram0',
    '/swap file',
  ])
  assert.equal(deviceNumber(0x0810n), '8:16')
  assert.equal(deviceNumber((259n << 8n) | 7n), '259:7')
  assert.equal(deviceNumber(0x12300045n | (8n << 8n)), '8:74565')
})

test('a disk made of a drive, or of the same file as another, is used for what that is used for', () => {
  const uses = usesOn({
    add: [
      { name: 'loop0', number: '7:0', backingFile: '/dev/sda' },
      { name: 'loop1', number: '7:1', backingFile: '/dev/loop0' },
      { name: 'loop2', number: '7:2', backingFile: '/srv/a.img' },
      { name: 'loop3', number: '7:3', backingFile: '/srv/a.img' },
      { name: 'loop4', number: '7:4', backingFile: '/dev/sdc' },
    ],
    mounts: ['8:2 / / rw - ext4 /dev/sda2 rw', '7:2 / /mnt rw - ext4 /dev/loop2 rw'],
    files: { '/dev/sda': '8:0', '/dev/loop0': '7:0', '/dev/sdc': '8:32', '/srv/a.img': '8:2' },
  })
  assert.deepEqual(uses('loop0'), ['/ through sda', '/mnt through sda', 'held by loop1', 'held by sda'])
  assert.ok(uses('loop1').includes('/ through loop0') && uses('loop1').includes('held by loop0'))
  assert.deepEqual(uses('loop3'), ['/mnt through loop2', 'held by loop2'])
  assert.deepEqual(uses('loop4'), [])
})
