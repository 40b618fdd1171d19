import assert from 'node:assert/strict'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { type KernelOptions, kernelVersion } from '../../native-helpers/volumes/kernel-image.ts'
import { debianKernel, type KernelArchitecture } from '../support/debian-kernels.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

/** A kernel of Debian in a folder of its own, or null after the test was skipped. */
async function kernel(t: TestContext, architecture: KernelArchitecture, ...tools: string[]) {
  const missing = missingTools('dpkg-deb', ...tools)
  const found = missing ?? (await debianKernel(architecture))
  if (typeof found === 'string') {
    t.skip(found)
    return null
  }
  return { ...found, folder: testFolder(t) }
}

async function asked(path: string, options?: KernelOptions) {
  const device = openFileDevice({ path, writable: false })
  try {
    return await kernelVersion(device, options)
  } finally {
    device.close()
  }
}

test('a kernel for PCs says its version as file(1) reads it', async (t) => {
  const found = await kernel(t, 'amd64', 'file')
  if (!found) return
  const { value } = await asked(found.path, { thorough: true })
  const told = /version (\S+) /.exec(tool('file', ['-b', found.path]))?.[1]
  assert.equal(value?.version, told)
  assert.equal(value?.version, found.release)
  assert.equal(value?.architecture, 'x86_64')
  assert.equal(value?.form, 'bzImage')
  assert.deepEqual(value?.problems, [])
})

test('a kernel for 64-bit ARM says its version as its own text does', async (t) => {
  const found = await kernel(t, 'arm64', 'strings')
  if (!found) return
  const { value } = await asked(found.path, { thorough: true })
  const told = /^Linux version (\d\S*) \(/m.exec(tool('sh', ['-c', 'strings -n 20 "$1"', 'sh', found.path]))?.[1]
  assert.equal(value?.version, told)
  assert.equal(value?.version, found.release)
  assert.deepEqual([value?.architecture, value?.form, value?.compression], ['arm64', 'Image', null])
  assert.deepEqual(value?.problems, [])
})

test('little of a kernel that is not packed is read, wherever its version stands', async (t) => {
  const found = await kernel(t, 'arm64')
  if (!found) return
  const image = readFileSync(found.path)
  let readBytes = 0
  const counting = (bytes: Uint8Array) => {
    const device = memoryDevice(bytes)
    readBytes = 0
    return {
      ...device,
      readSync(into: Uint8Array, offset: number) {
        readBytes += into.length
        device.readSync(into, offset)
      },
    }
  }
  assert.equal((await kernelVersion(counting(image))).value?.version, found.release)
  assert.ok(readBytes < image.length / 4, `${readBytes} of ${image.length} bytes were read`)
  // With nothing but zeros behind it, it stands in the first third; and across the place where the search begins.
  const at = image.indexOf('Linux version 6')
  for (const length of [Math.floor(at * 3.5), Math.floor((at + 20) / 0.4)]) {
    const longer = Buffer.concat([image.subarray(0, at + 200), Buffer.alloc(length - at - 200)])
    assert.equal((await kernelVersion(counting(longer))).value?.version, found.release)
  }
})

test('a kernel for 32-bit ARM, which unpacks itself, says its version', async (t) => {
  const found = await kernel(t, 'armhf')
  if (!found) return
  const { value } = await asked(found.path, { thorough: true })
  assert.equal(value?.version, found.release)
  assert.deepEqual([value?.architecture, value?.form], ['arm', 'zImage'])
  assert.deepEqual(value?.problems, [])
})

/** Its beginning and what lies around its version: packing all of it would take each of these tests many seconds. */
function shortened(image: Buffer): Buffer {
  const at = image.indexOf(/Linux version \d/.exec(image.toString('latin1'))?.[0] ?? '')
  return Buffer.concat([image.subarray(0, 65_536), image.subarray(at - 1_000_000, at + 8_000_000)])
}

const packers = [
  ['gzip', 'gzip -1c'],
  ['zstd', 'zstd -1qc'],
  ['xz', 'xz -0c'],
  ['lzma', 'xz --format=lzma -0c'],
  ['lz4', 'lz4 -lqc'],
  ['bzip2', 'bzip2 -1c'],
] as const

for (const [compression, command] of packers) {
  test(`a kernel packed whole by ${compression} says its version, and when it is cut off, that too`, async (t) => {
    const found = await kernel(t, 'arm64', command.split(' ')[0] ?? '')
    if (!found) return
    const packed = join(found.folder, 'kernel8.img')
    const plain = join(found.folder, 'Image')
    writeFileSync(plain, shortened(readFileSync(found.path)))
    tool('sh', ['-c', `${command} < "$1" > "$2"`, 'sh', plain, packed])
    const { value } = await asked(packed, { thorough: true })
    assert.equal(value?.version, found.release)
    assert.deepEqual([value?.architecture, value?.form, value?.compression], ['arm64', 'Image', compression])
    assert.deepEqual(value?.problems, [])
    truncateSync(packed, statSync(packed).size - 1000)
    const cut = await asked(packed, { thorough: true })
    assert.equal(cut.value?.version, found.release)
    assert.deepEqual(
      cut.value?.problems.map(({ code }) => code),
      ['kernel-cut-off'],
    )
    truncateSync(packed, 100_000)
    const { problem } = await asked(packed)
    assert.equal(problem?.code, 'kernel-unpack')
  })
}

test('a kernel within an EFI program that unpacks it says its version', async (t) => {
  const found = await kernel(t, 'arm64')
  if (!found) return
  const payload = gzipSync(readFileSync(found.path), { level: 1 })
  // drivers/firmware/efi/libstub/zboot-header.S: signatures, place and length of what is packed, its name, and where the PE header is.
  const head = Buffer.alloc(512)
  head.write('MZ\0\0zimg', 0, 'latin1')
  head.writeUInt32LE(512, 8)
  head.writeUInt32LE(payload.length, 12)
  head.write('gzip', 24, 'latin1')
  head.writeUInt32LE(64, 0x3c)
  head.write('PE\0\0', 64, 'latin1')
  head.writeUInt16LE(0xaa64, 68)
  const { value } = await kernelVersion(memoryDevice(Buffer.concat([head, payload])), { thorough: true })
  assert.equal(value?.version, found.release)
  assert.deepEqual([value?.architecture, value?.form, value?.compression], ['arm64', 'zboot', 'gzip'])
  assert.deepEqual(value?.problems, [])
  const cut = await kernelVersion(memoryDevice(Buffer.concat([head, payload.subarray(0, -10)])))
  assert.deepEqual(cut.value?.problems[0]?.code, 'kernel-cut-off')
})

test('a kernel of which bytes were lost or changed is told from a whole one', async (t) => {
  const found = await kernel(t, 'amd64')
  const other = await kernel(t, 'arm64')
  if (!found || !other) return
  const bytes = readFileSync(found.path)
  const short = await kernelVersion(memoryDevice(bytes.subarray(0, 5_000_000)))
  assert.equal(short.value?.version, found.release)
  assert.equal(short.value?.problems[0]?.code, 'kernel-cut-off')
  const image = readFileSync(other.path)
  const changed = gzipSync(image, { level: 1 })
  changed.set(changed.subarray(-5000, -4000), changed.length - 4000)
  assert.deepEqual((await kernelVersion(memoryDevice(changed))).value?.problems, [])
  assert.equal((await kernelVersion(memoryDevice(changed), { thorough: true })).value?.problems[0]?.code, 'kernel-damaged')
  const cut = await kernelVersion(memoryDevice(image.subarray(0, image.length - 4096)))
  assert.equal(cut.value?.problems[0]?.code, 'kernel-cut-off')
})

test('what is no kernel is not taken for one', async (t) => {
  const path = join(testFolder(t), 'file')
  const cases: [string, string | Uint8Array][] = [
    ['kernel-short', ''],
    ['kernel-short', 'MZ'],
    ['kernel-none', Buffer.alloc(100_000)],
    ['kernel-none', 'Linux version 6.1.0 (nobody) is only a text here, and nothing that could ever start'],
    ['kernel-unpack', Buffer.concat([Buffer.from('\x1f\x8b\x08\x00', 'latin1'), Buffer.alloc(100_000, 7)])],
    ['kernel-no-version', Buffer.concat([Buffer.alloc(56), Buffer.from('ARM\x64', 'latin1'), Buffer.alloc(1_000_000)])],
  ]
  for (const [code, content] of cases) {
    writeFileSync(path, content)
    assert.equal((await asked(path)).problem?.code, code)
  }
})
