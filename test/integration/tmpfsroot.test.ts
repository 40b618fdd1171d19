import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { tmpfsrootFindings } from '../../native-helpers/systems/tmpfsroot/findings.ts'
import { tmpfsroot } from '../../native-helpers/systems/tmpfsroot/index.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { type Described, describedBy } from '../support/read-card.ts'
import {
  changeEsp,
  changeExt,
  copyDisk,
  grubenvOf,
  logThird,
  makeTmpfsroot,
  menuOf,
  overwrite,
  type TmpfsrootDisk,
  type TmpfsrootOptions,
  type TmpfsrootPart,
  tmpfsrootTools,
  uuids,
} from '../support/tmpfsroot.ts'
import { missingTools, tool } from '../support/tools.ts'

const needs = missingTools(...tmpfsrootTools, 'dumpe2fs', 'btrfs', 'tune2fs')
const menuFile = 'EFI/fedora/grub.cfg'
const envFile = 'EFI/fedora/grubenv'

async function described(disk: TmpfsrootDisk): Promise<Described> {
  const found = await describedBy(tmpfsroot, { image: disk.path })
  assert.ok(found, 'the disk is taken for one of tmpfsroot-fedora')
  return found
}

/** A partition as a file of its own, for tools that look at one. */
function cut(disk: TmpfsrootDisk, part: TmpfsrootPart, target: string): void {
  const blocks = (bytes = 0) => String(bytes / 1048576)
  const range = [`skip=${blocks(disk.starts.get(part))}`, `count=${blocks(disk.sizes.get(part))}`]
  tool('dd', [`if=${disk.path}`, `of=${target}`, 'bs=1M', 'conv=sparse', ...range, 'status=none'])
}

describe('a disk of tmpfsroot-fedora', { skip: needs ?? false }, () => {
  let folder = ''
  const disks = new Map<string, TmpfsrootDisk>()
  const disk = (options: TmpfsrootOptions): TmpfsrootDisk => {
    const key = JSON.stringify(options)
    const known = disks.get(key) ?? makeTmpfsroot(folder, options)
    disks.set(key, known)
    return known
  }
  const spoiled = (options: TmpfsrootOptions, spoil: (copy: TmpfsrootDisk) => void): TmpfsrootDisk => {
    const copy = copyDisk(disk(options), folder)
    spoil(copy)
    return copy
  }
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'livecard-tmpfsroot-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('is known by its UUIDs whatever the order of its partitions, and a healthy one has no complaint', async () => {
    const { detection, description, ids } = await described(disk({ order: logThird }))
    assert.equal(detection.id, 'tmpfsroot')
    assert.deepEqual(ids, ['tmpfsroot-fallback-ready'])
    assert.deepEqual(
      [...detection.roles].sort(([one], [other]) => one - other),
      [
        [1, 'boot menu'],
        [2, 'root a'],
        [3, 'log'],
        [4, 'root b'],
        [5, 'containers'],
        [6, 'cache'],
        [7, 'applications'],
        [8, 'kept settings'],
      ],
    )
    assert.deepEqual(
      description.slots.map(({ id, starts, bootable, release }) => `${id} ${starts} ${bootable} ${release}`),
      ['root-a true true Fedora Linux 42 (Adams)', 'root-b false true Fedora Linux 42 (Adams)'],
    )
    assert.deepEqual(
      description.kernels.map(({ where, version, starts, modules }) => `${where} ${version} ${starts} ${modules}`),
      ['root-a 6.14.4-300.fc42.x86_64 true present', 'root-b 6.14.4-300.fc42.x86_64 false present'],
    )
  })

  test('as its installer numbers the partitions has its cache where the log would be refreshed', async () => {
    const { ids, description } = await described(disk({}))
    assert.deepEqual(ids, ['tmpfsroot-partition-3', 'tmpfsroot-fallback-ready'])
    assert.equal(description.findings[0]?.detail, 'Partition 3 is btrfs "var_cache". The log is partition 7.')
    assert.equal(description.findings[0]?.partition, 3)
  })

  test('needs as much memory for a root as a tmpfs says after the same copy', { skip: cannotMount() ?? false }, async () => {
    const made = disk({})
    const part = join(folder, 'root.img')
    cut(made, 'rootA', part)
    const memory = join(folder, 'memory')
    mkdirSync(memory)
    tool('mount', ['-t', 'tmpfs', '-o', 'size=2G', 'tmpfs', memory])
    let copied = 0
    try {
      const copy = `cp -a $(ls -1 | grep -v -e '^boot$' -e lost) "${memory}"`
      mounted(part, 'ro,noload', (from) => tool('sh', ['-c', `cd "${from}" && ${copy}`]))
      const { blocks, bfree, bsize } = statfsSync(memory)
      copied = (blocks - bfree) * bsize
    } finally {
      tool('umount', [memory])
    }
    const roomOf = async (of: TmpfsrootDisk) =>
      (await described(of)).description.rooms.find(({ id }) => id === 'root-a')?.usedBytes ?? 0
    assert.equal(await roomOf(spoiled({}, (tight) => changeEsp(tight, menuFile, menuOf('130k')))), copied)
    const bound = await roomOf(made)
    assert.ok(bound >= copied && bound <= copied + 256 * 1024, `${bound} for ${copied}`)
  })

  test('tells the kernel of a root as file(1) does', { skip: missingTools('file') ?? false }, async () => {
    const made = disk({})
    const part = join(folder, 'root.img')
    cut(made, 'rootA', part)
    const kernel = join(folder, 'vmlinuz')
    tool('debugfs', ['-R', `dump boot/vmlinuz-${made.kernelVersion} ${kernel}`, part])
    const version = /version (\S+)/.exec(tool('file', ['-b', kernel]))?.[1]
    const { description } = await described(made)
    assert.equal(description.kernels[0]?.version, version)
  })

  test('measures the log as dumpe2fs and the btrfs volumes as their own tool do', async () => {
    const made = disk({})
    const { description } = await described(made)
    const part = join(folder, 'part.img')
    cut(made, 'log', part)
    const free = Number(/Free blocks:\s+(\d+)/.exec(tool('dumpe2fs', ['-h', part]))?.[1])
    assert.equal(description.rooms.find(({ id }) => id === 'log')?.usedBytes, (made.sizes.get('log') ?? 0) - free * 4096)
    cut(made, 'cache', part)
    const used = Number(/bytes_used\s+(\d+)/.exec(tool('btrfs', ['inspect-internal', 'dump-super', part]))?.[1])
    assert.equal(description.rooms.find(({ id }) => id === 'cache')?.usedBytes, used)
  })

  test('after the installation has an empty root B, which is told and no fault', async () => {
    const { ids, description } = await described(disk({ emptyB: true, order: logThird }))
    assert.deepEqual(ids, ['tmpfsroot-fallback-empty'])
    assert.equal(description.slots[1]?.bootable, false)
  })

  test('with a trial pending starts the other root once', async () => {
    const { ids, description } = await described(disk({ order: logThird, grubenv: grubenvOf('saved_entry=0\nnext_entry=1\n') }))
    assert.deepEqual(ids, ['tmpfsroot-trial-pending', 'tmpfsroot-fallback-ready'])
    assert.deepEqual(
      description.slots.map(({ starts }) => starts),
      [false, true],
    )
  })

  const debris = ['cd boot', 'rm vmlinuz', 'rm initramfs.img']
  const cases: {
    id: keyof typeof tmpfsrootFindings
    also?: string[]
    options?: TmpfsrootOptions
    spoil: (copy: TmpfsrootDisk) => void
  }[] = [
    { id: 'tmpfsroot-root-missing', also: ['tmpfsroot-menu-uuid'], spoil: (copy) => tool('sgdisk', ['-d', '4', copy.path]) },
    { id: 'tmpfsroot-root-twice', also: ['tmpfsroot-root-missing'], spoil: (copy) => giveUuid(copy, 'rootB', uuids.rootA) },
    { id: 'tmpfsroot-volume-twice', also: ['tmpfsroot-persist-missing'], spoil: (copy) => giveUuid(copy, 'persist', uuids.log) },
    {
      id: 'tmpfsroot-log-missing',
      also: ['tmpfsroot-partition-3'],
      spoil: (copy) => overwrite(copy, 'log', 0, Buffer.alloc(4096)),
    },
    { id: 'tmpfsroot-esp-missing', spoil: (copy) => overwrite(copy, 'esp', 0, Buffer.alloc(512)) },
    { id: 'tmpfsroot-esp-name', spoil: (copy) => tool('sgdisk', ['-c', '1:EFI', copy.path]) },
    { id: 'tmpfsroot-menu-missing', spoil: (copy) => changeEsp(copy, menuFile, null) },
    { id: 'tmpfsroot-menu-missing', spoil: (copy) => changeEsp(copy, menuFile, 'set timeout=5\n') },
    {
      id: 'tmpfsroot-menu-uuid',
      also: ['tmpfsroot-menu-entry-missing'],
      spoil: (copy) => changeEsp(copy, menuFile, menuOf('2G').replaceAll(uuids.rootB, '11111111-2222-3333-4444-555555555555')),
    },
    {
      id: 'tmpfsroot-menu-argument',
      spoil: (copy) => changeEsp(copy, menuFile, menuOf('2G').replace(`root=UUID=${uuids.rootB}`, `root=UUID=${uuids.rootA}`)),
    },
    { id: 'tmpfsroot-grubenv-missing', spoil: (copy) => changeEsp(copy, envFile, null) },
    { id: 'tmpfsroot-grubenv-damaged', spoil: (copy) => changeEsp(copy, envFile, `${grubenvOf('saved_entry=0\n')}#`) },
    { id: 'tmpfsroot-grubenv-damaged', spoil: (copy) => changeEsp(copy, envFile, 'saved_entry=0\n'.padEnd(1024, '#')) },
    { id: 'tmpfsroot-grubenv-entry', spoil: (copy) => changeEsp(copy, envFile, grubenvOf('saved_entry=7\n')) },
    {
      id: 'tmpfsroot-trial-broken',
      also: ['tmpfsroot-trial-pending', 'tmpfsroot-fallback-empty'],
      options: { emptyB: true, order: logThird },
      spoil: (copy) => changeEsp(copy, envFile, grubenvOf('saved_entry=0\nnext_entry=1\n')),
    },
    {
      id: 'tmpfsroot-saved-broken',
      options: { emptyB: true, order: logThird },
      spoil: (copy) => changeEsp(copy, envFile, grubenvOf('saved_entry=1\n')),
    },
    {
      id: 'tmpfsroot-no-root-starts',
      options: { emptyB: true, order: logThird },
      spoil: (copy) => changeExt(copy, 'rootA', debris),
    },
    { id: 'tmpfsroot-kernel-missing', also: ['tmpfsroot-fallback-broken'], spoil: (copy) => changeExt(copy, 'rootB', debris) },
    { id: 'tmpfsroot-initramfs-missing', spoil: (copy) => changeExt(copy, 'rootB', debris) },
    { id: 'tmpfsroot-kernel-damaged', spoil: (copy) => replaceFile(copy, 'vmlinuz-6.14.4-300.fc42.x86_64') },
    { id: 'tmpfsroot-initramfs-damaged', spoil: (copy) => replaceFile(copy, 'initramfs-6.14.4-300.fc42.x86_64.img') },
    {
      id: 'tmpfsroot-modules-missing',
      spoil: (copy) =>
        changeExt(copy, 'rootB', ['cd usr/lib/modules', 'ln 6.14.4-300.fc42.x86_64 old', 'unlink 6.14.4-300.fc42.x86_64']),
    },
    { id: 'tmpfsroot-root-unreadable', spoil: (copy) => wipeTables(copy) },
    { id: 'tmpfsroot-root-no-system', spoil: (copy) => onlyBoot(copy) },
    { id: 'tmpfsroot-root-replay', spoil: (copy) => changeExt(copy, 'rootB', ['feature needs_recovery']) },
    { id: 'tmpfsroot-root-errors', spoil: (copy) => changeExt(copy, 'rootB', ['set_super_value state 2']) },
    {
      id: 'tmpfsroot-root-too-large',
      also: ['tmpfsroot-no-root-starts'],
      spoil: (copy) => changeEsp(copy, menuFile, menuOf('100k')),
    },
    { id: 'tmpfsroot-root-tight', spoil: (copy) => changeEsp(copy, menuFile, menuOf('130k')) },
    { id: 'tmpfsroot-provisioning', options: { provisioned: false }, spoil: () => {} },
    { id: 'tmpfsroot-volume-unreadable', spoil: (copy) => wipeInodes(copy, 'persist') },
    { id: 'tmpfsroot-volume-full', spoil: (copy) => changeExt(copy, 'log', [`write ${filler()} messages`]) },
  ]
  function giveUuid(copy: TmpfsrootDisk, part: TmpfsrootPart, uuid: string): void {
    const file = join(folder, 'twin.img')
    rmSync(file, { force: true })
    cut(copy, part, file)
    tool('tune2fs', ['-f', '-U', uuid, file], { input: 'y\n' })
    tool('dd', [
      `if=${file}`,
      `of=${copy.path}`,
      'bs=1M',
      `seek=${(copy.starts.get(part) ?? 0) / 1048576}`,
      'conv=notrunc',
      'status=none',
    ])
  }
  function replaceFile(copy: TmpfsrootDisk, name: string): void {
    const file = join(folder, 'nothing')
    tool('sh', ['-c', `yes nothing | head -c 70000 > "${file}"`])
    changeExt(copy, 'rootB', ['cd boot', `rm ${name}`, `write ${file} ${name}`])
  }
  function onlyBoot(copy: TmpfsrootDisk): void {
    changeExt(copy, 'rootB', ['unlink sbin', 'unlink usr', 'unlink etc'])
  }
  /** The first group's inode table: nothing can be found any more, while the superblock is whole. */
  function wipeInodes(copy: TmpfsrootDisk, part: TmpfsrootPart): void {
    const file = join(folder, 'inodes.img')
    rmSync(file, { force: true })
    cut(copy, part, file)
    const first = /Inode table at (\d+)-(\d+)/.exec(tool('dumpe2fs', [file]))
    const [start, end] = [Number(first?.[1]), Number(first?.[2])]
    overwrite(copy, part, start * 4096, Buffer.alloc((end - start + 1) * 4096, 0xff))
  }
  function wipeTables(copy: TmpfsrootDisk): void {
    wipeInodes(copy, 'rootB')
  }
  function filler(): string {
    const file = join(folder, 'filler')
    tool('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=25', 'status=none'])
    return file
  }
  for (const { id, also = [], options, spoil } of cases) {
    test(`${id}: ${tmpfsrootFindings[id].title}`, async () => {
      const { ids, description } = await described(spoiled({ ...options }, spoil))
      for (const expected of [id, ...also]) assert.ok(ids.includes(expected), `${expected} is not among ${ids.join(', ')}`)
      assert.ok((description.findings.find((candidate) => candidate.id === id)?.detail ?? '').length > 10)
    })
  }

  test('that is cut off is still described', async () => {
    const made = spoiled({}, (copy) => truncateSync(copy.path, (copy.starts.get('rootB') ?? 0) + 8192))
    const { description } = await described(made)
    assert.equal(description.slots[0]?.bootable, true)
  })

  test('another disk is not taken for one', async () => {
    const made = spoiled({}, (copy) => {
      for (const part of ['rootA', 'rootB'] as const) overwrite(copy, part, 0, Buffer.alloc(4096))
    })
    assert.equal(await describedBy(tmpfsroot, { image: made.path }), null)
  })
})
