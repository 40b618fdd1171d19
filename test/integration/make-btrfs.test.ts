import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { readBtrfsFacts } from '../../native-helpers/volumes/btrfs.ts'
import { makeBtrfs } from '../../native-helpers/volumes/making/btrfs.ts'
import type { WritableDevice } from '../../native-helpers/volumes/making/new-entry.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { blankVolume } from '../support/volume-tools.ts'

function made(folder: string, sizeMiB: number): string {
  const image = blankVolume(folder, sizeMiB)
  const device = openFileDevice({ path: image, writable: true })
  makeBtrfs(device as WritableDevice, { label: 'var_cache', madeSeconds: 1_760_000_000 })
  device.close()
  return image
}

/** Why the kernel cannot be asked about btrfs here, or null. */
function cannotMountBtrfs(): string | null {
  const cannot = cannotMount()
  if (cannot) return cannot
  return /\bbtrfs\b/.test(readFileSync('/proc/filesystems', 'utf8')) ? null : 'this kernel has no btrfs'
}

for (const sizeMiB of [32, 48, 200, 700]) {
  test(`a btrfs of ${sizeMiB} MiB has no error for btrfs check`, { skip: missingTools('btrfs', 'blkid') ?? false }, (t) => {
    const image = made(testFolder(t), sizeMiB)
    assert.match(tool('sh', ['-c', `btrfs check "${image}" 2>&1`]), /no error found/)
    assert.match(tool('btrfs', ['inspect-internal', 'dump-super', image]), /csum\s+\S+ \[match\][\s\S]*label\s+var_cache/)
    assert.equal(tool('blkid', ['-p', '-o', 'value', '-s', 'LABEL', image]).trim(), 'var_cache')
  })
}

test('a btrfs is written to by the kernel, and is sound after it', {
  skip: cannotMountBtrfs() ?? missingTools('btrfs') ?? false,
}, (t) => {
  const image = made(testFolder(t), 256)
  const content = Buffer.alloc(3_000_000, 'what is kept ')
  mounted(image, 'rw', (folder) => {
    assert.deepEqual(readdirSync(folder), [])
    writeFileSync(join(folder, 'file'), content)
  })
  mounted(image, 'ro', (folder) => assert.ok(readFileSync(join(folder, 'file')).equals(content)))
  assert.match(tool('sh', ['-c', `btrfs check "${image}" 2>&1`]), /no error found/)
  const device = openFileDevice({ path: image, writable: false })
  const { value } = readBtrfsFacts(device)
  device.close()
  assert.ok(value && !value.unclean && value.usedBytes > content.length)
})

test('a place that is too small for a btrfs is refused', () => {
  const device: WritableDevice = { size: 16 * 1024 * 1024, sectorSize: 512, readSync() {}, writeSync() {}, flushSync() {} }
  assert.throws(() => makeBtrfs(device), { code: 'btrfs-make-size' })
})
