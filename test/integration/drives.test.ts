import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { alignedBuffer } from '../../native-helpers/block/aligned.ts'
import type { Drive } from '../../native-helpers/contract.ts'
import { findDrive } from '../../native-helpers/drives/find.ts'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { openForReading, openForWriting } from '../../native-helpers/drives/open.ts'
import { exitCodes, LivecardError } from '../../native-helpers/errors.ts'
import { cannotLoop, cannotZram, loopOf, withLoop, withZram } from '../support/devices.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const mebibyte = 1024 * 1024

const codes = (drive: Drive) => drive.refusals.map(({ code }) => code)

async function refusalOf(action: Promise<unknown>): Promise<LivecardError> {
  try {
    await action
  } catch (thrown) {
    assert.ok(thrown instanceof LivecardError, String(thrown))
    return thrown
  }
  throw new assert.AssertionError({ message: 'it was not refused' })
}

/** The disk that carries "/", by the kernel's own word. */
function systemDisk(): string | null {
  const source = tool('findmnt', ['--noheadings', '--output', 'SOURCE', '--target', '/']).trim()
  if (!source.startsWith('/dev/')) return null
  const parent = tool('lsblk', ['--noheadings', '--output', 'PKNAME', source]).trim().split('\n')[0]
  return parent ? `/dev/${parent}` : source
}

/** A loop device with two partitions. --partscan makes the kernel drop them again when it is detached. */
function withPartitions(t: TestContext): string {
  const image = join(testFolder(t), 'card.img')
  writeFileSync(image, '')
  truncateSync(image, 64 * mebibyte)
  tool('sfdisk', ['--quiet', image], { input: 'label: gpt\nsize=8M\nsize=8M,name="Your data"\n' })
  const path = tool('losetup', ['--find', '--show', '--partscan', image]).trim()
  t.after(() => tool('losetup', ['--detach', path]))
  // A kernel that reads no partition tables has to be told.
  if (!existsSync(`${path}p1`)) tool('partx', ['--add', path])
  return path
}

test('the system disk is refused by any name', { skip }, async (t) => {
  const disk = systemDisk()
  if (disk === null) return t.skip('the system does not run from a disk here')
  const folder = testFolder(t)
  const { rdev } = statSync(disk)
  const number = readFileSync(`/sys/class/block/${disk.slice(5)}/dev`, 'utf8').trim()
  const [major = '', minor = ''] = number.split(':')
  mkdirSync(join(folder, 'by-id'))
  symlinkSync(disk, join(folder, 'by-id', 'virtio-overlayblk'))
  symlinkSync('by-id/virtio-overlayblk', join(folder, 'link-to-link'))
  tool('mknod', [join(folder, 'second-node'), 'b', major, minor])
  assert.equal(statSync(join(folder, 'second-node')).rdev, rdev)
  const names = [
    disk,
    `/dev/../dev/${disk.slice(5)}`,
    `/proc/self/root${disk}`,
    relative(process.cwd(), disk),
    ...['by-id/virtio-overlayblk', 'link-to-link', 'second-node'].map((name) => join(folder, name)),
  ]
  for (const name of names) {
    const drive = await findDrive(name)
    assert.equal(drive.identity.path, disk, name)
    assert.ok(codes(drive).includes('system'), name)
    const refusal = await refusalOf(openForWriting({ ...drive.identity, path: name }, { allowVirtual: true }))
    assert.equal(exitCodes[refusal.kind], 3, name)
    assert.match(refusal.message, /This is the disk that this computer runs from\./)
  }
})

test('what is no whole drive is named for what it is', { skip }, async (t) => {
  const path = withPartitions(t)
  const part = await refusalOf(findDrive(`${path}p2`))
  assert.deepEqual([part.code, part.kind], ['drive-partition', 'refused'])
  assert.ok(part.message.includes(path))
  assert.equal((await refusalOf(findDrive('/dev/no-such-drive'))).code, 'drive-not-found')
  for (const other of ['/tmp', '/etc/passwd', '/dev/null'])
    assert.equal((await refusalOf(findDrive(other))).code, 'not-a-drive', other)
})

test('a drive is listed with its partitions, labels and mounts, and is virtual', { skip }, async (t) => {
  const path = withPartitions(t)
  tool('mkfs.ext4', ['-q', '-L', 'writable', `${path}p1`])
  const place = testFolder(t)
  tool('mount', [`${path}p1`, place])
  try {
    const drive = (await listDrives()).find(({ identity }) => identity.path === path)
    assert.ok(drive)
    assert.deepEqual(codes(drive), ['virtual'])
    assert.equal(drive.identity.sizeBytes, 64 * mebibyte)
    assert.deepEqual(
      drive.partitions.map(({ path: volume, sizeBytes, label, mounts }) => ({ volume, sizeBytes, label, mounts })),
      [
        { volume: `${path}p1`, sizeBytes: 8 * mebibyte, label: 'writable', mounts: [place] },
        { volume: `${path}p2`, sizeBytes: 8 * mebibyte, label: 'Your data', mounts: [] },
      ],
    )
  } finally {
    tool('umount', [place])
  }
})

test('mounted volumes are unmounted before a drive is opened, wherever they are mounted', { skip }, async (t) => {
  const path = withPartitions(t)
  tool('mkfs.ext4', ['-q', `${path}p1`])
  const [first, second] = [testFolder(t), testFolder(t)]
  tool('mount', [`${path}p1`, first])
  tool('mount', ['--bind', first, second])
  t.after(() => {
    for (const place of [second, first]) if (readFileSync('/proc/self/mountinfo', 'utf8').includes(place)) tool('umount', [place])
  })
  const device = await openForWriting((await findDrive(path)).identity, { allowVirtual: true })
  await device.close()
  // Not by the beginning of its name: there may be a /dev/loop10 beside /dev/loop1.
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${path}(p[0-9]+)? `))
})

test('a volume in use is refused with its name and its user', { skip }, async (t) => {
  const { path } = withLoop(t, { sizeBytes: 64 * mebibyte })
  tool('mkfs.ext4', ['-q', '-L', 'PICTURES', path])
  const place = testFolder(t)
  tool('mount', [path, place])
  const before = process.cwd()
  process.chdir(place)
  try {
    const refusal = await refusalOf(openForWriting((await findDrive(path)).identity, { allowVirtual: true }))
    assert.deepEqual([refusal.code, refusal.kind], ['drive-mounted', 'refused'])
    assert.match(refusal.message, /"PICTURES"/)
    assert.match(refusal.message, new RegExp(`process ${process.pid}`))
  } finally {
    process.chdir(before)
    tool('umount', [place])
  }
})

test('a drive with a volume at a place of the system is refused and stays mounted', { skip }, async (t) => {
  const { path } = withLoop(t, { sizeBytes: 64 * mebibyte })
  tool('mkfs.ext4', ['-q', path])
  const place = `/srv/livecard-test-${process.pid}`
  mkdirSync(place, { recursive: true })
  tool('mount', [path, place])
  try {
    const drive = await findDrive(path)
    assert.deepEqual(codes(drive), ['mounted-system', 'virtual'])
    assert.equal((await refusalOf(openForWriting(drive.identity, { allowVirtual: true }))).code, 'drive-refused')
    assert.ok(readFileSync('/proc/self/mountinfo', 'utf8').includes(place))
  } finally {
    tool('umount', [place])
    rmSync(place, { recursive: true })
  }
})

test('an overlay over a filesystem in a file leads to the drive with the file', { skip }, async (t) => {
  const outer = withLoop(t, { sizeBytes: 64 * mebibyte })
  const [medium, system] = [testFolder(t), testFolder(t)]
  const root = `/srv/livecard-live-${process.pid}`
  mkdirSync(root, { recursive: true })
  tool('mkfs.ext4', ['-q', outer.path])
  tool('mount', [outer.path, medium])
  let inner: ReturnType<typeof loopOf> | null = null
  try {
    const image = join(medium, 'system.img')
    tool('truncate', ['--size=16M', image])
    tool('mkfs.ext4', ['-q', image])
    inner = loopOf(t, image)
    tool('mount', [inner.path, system])
    for (const name of ['upper', 'work']) mkdirSync(join(system, name))
    const options = `lowerdir=${medium},upperdir=${join(system, 'upper')},workdir=${join(system, 'work')}`
    tool('mount', ['-t', 'overlay', '-o', options, 'overlay', root])
    for (const path of [outer.path, inner.path]) assert.ok(codes(await findDrive(path)).includes('mounted-system'), path)
    assert.ok(codes(await findDrive(outer.path)).includes('holder'))
  } finally {
    for (const place of [root, system, medium]) {
      if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${place} `)) tool('umount', [place])
      if (place === system) inner?.detach()
    }
    rmSync(root, { recursive: true })
  }
})

test('every drive of a btrfs that spans several is in use', { skip: skip || (missingTools('mkfs.btrfs') ?? false) }, async (t) => {
  const [first, second] = [withLoop(t, { sizeBytes: 128 * mebibyte }), withLoop(t, { sizeBytes: 128 * mebibyte })]
  const place = `/srv/livecard-btrfs-${process.pid}`
  mkdirSync(place, { recursive: true })
  tool('mkfs.btrfs', ['--quiet', '--data', 'single', '--metadata', 'raid1', first.path, second.path])
  tool('mount', ['-o', `device=${first.path},device=${second.path}`, first.path, place])
  try {
    for (const { path } of [first, second]) {
      const drive = await findDrive(path)
      assert.deepEqual(codes(drive), ['mounted-system', 'virtual'], path)
      assert.equal((await refusalOf(openForWriting(drive.identity, { allowVirtual: true }))).code, 'drive-refused')
    }
  } finally {
    tool('umount', [place])
    rmSync(place, { recursive: true })
  }
})

test('an active swap is refused, also when virtual drives are allowed', { skip: cannotZram() ?? false }, async (t) => {
  const path = await withZram(t, { sizeBytes: 64 * mebibyte })
  tool('mkswap', [path])
  tool('swapon', [path])
  try {
    const drive = await findDrive(path)
    assert.deepEqual(codes(drive), ['swap', 'virtual'])
    const refusal = await refusalOf(openForWriting(drive.identity, { allowVirtual: true }))
    assert.deepEqual([refusal.code, refusal.kind], ['drive-refused', 'refused'])
  } finally {
    tool('swapoff', [path])
  }
})

test('a swap file makes its drive an active swap', { skip }, async (t) => {
  const { path } = withLoop(t, { sizeBytes: 64 * mebibyte })
  tool('mkfs.ext4', ['-q', path])
  const place = testFolder(t)
  tool('mount', [path, place])
  const file = join(place, 'swap file')
  try {
    tool('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=8', 'status=none'])
    tool('chmod', ['600', file])
    tool('mkswap', [file])
    tool('swapon', [file])
    try {
      assert.deepEqual(codes(await findDrive(path)), ['swap', 'virtual'])
    } finally {
      tool('swapoff', [file])
    }
  } finally {
    tool('umount', [place])
  }
})

test('a read-only drive, an empty one and one without leave to be virtual are refused', { skip }, async (t) => {
  const locked = withLoop(t, { sizeBytes: 16 * mebibyte, readOnly: true })
  assert.deepEqual(codes(await findDrive(locked.path)), ['virtual', 'read-only'])
  const empty = withLoop(t, { sizeBytes: 0 })
  assert.deepEqual(codes(await findDrive(empty.path)), ['virtual', 'empty'])
  assert.ok(!(await listDrives()).some(({ identity }) => identity.path === empty.path))
  const plain = withLoop(t, { sizeBytes: 16 * mebibyte })
  const { identity } = await findDrive(plain.path)
  assert.equal((await refusalOf(openForWriting(identity, { allowVirtual: false }))).code, 'drive-refused')
})

test('what is written through the device is on the drive, and nobody else can have it meanwhile', { skip }, async (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  const { identity } = await findDrive(path)
  const device = await openForWriting(identity, { allowVirtual: true })
  assert.deepEqual([device.sizeBytes, device.sectorSize, device.direct], [16 * mebibyte, 512, true])
  await device.write(alignedBuffer(8192).fill(0x5a), mebibyte)
  await device.flush()
  assert.equal((await refusalOf(openForWriting(identity, { allowVirtual: true }))).code, 'drive-busy')
  await device.close()
  const stored = readFileSync(backing).subarray(mebibyte, mebibyte + 8193)
  assert.ok(stored.subarray(0, 8192).every((byte) => byte === 0x5a) && stored[8192] === 0)
  const reading = await openForReading(path)
  const bytes = alignedBuffer(4096)
  await reading.read(bytes, mebibyte)
  assert.equal(bytes[4095], 0x5a)
  await assert.rejects(reading.write(bytes, 0))
  await reading.close()
})

test('a drive that changed since it was confirmed is refused', { skip }, async (t) => {
  const folder = testFolder(t)
  const { path, backing, detach } = withLoop(t, { sizeBytes: 16 * mebibyte, folder })
  const { identity } = await findDrive(path)
  const changes: [string, typeof identity][] = [
    ['another size', { ...identity, sizeBytes: 8 * mebibyte }],
    ['a serial number that it has not', { ...identity, serial: '0123' }],
  ]
  for (const [what, confirmed] of changes) {
    const refusal = await refusalOf(openForWriting(confirmed, { allowVirtual: true }))
    assert.deepEqual([refusal.code, exitCodes[refusal.kind]], ['drive-changed', 3], what)
  }
  detach()
  assert.equal((await reattachAs(t, folder, path, backing)).code, 'drive-changed')
})

/** Another file of the same size behind the same loop device: same path, same size, no serial number, and yet another drive. */
async function reattachAs(t: TestContext, folder: string, path: string, backing: string): Promise<LivecardError> {
  // By the same name, so that only the kernel's count of attachments tells.
  const other = join(folder, 'other', basename(backing))
  mkdirSync(join(folder, 'other'))
  tool('truncate', ['--size=16M', other])
  tool('losetup', [path, other])
  t.after(() => tool('losetup', ['--detach', path]))
  return refusalOf(openForWriting({ path, serial: null, sizeBytes: 16 * mebibyte }, { allowVirtual: true }))
}
