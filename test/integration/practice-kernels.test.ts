import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { smallInitrd, smallKernel } from '../../native-helpers/jobs/demo/small-kernel.ts'
import { checkInitrd } from '../../native-helpers/volumes/initrd.ts'
import { kernelVersion } from '../../native-helpers/volumes/kernel-image.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

test('kernels of practice cards are taken for kernels by file(1), with their version', {
  skip: missingTools('file') ?? false,
}, (t) => {
  const folder = testFolder(t)
  const described = (architecture: 'arm64' | 'x86') => {
    const path = join(folder, architecture)
    writeFileSync(path, smallKernel(architecture, '6.1.0-18-practice'))
    return tool('file', ['-b', path])
  }
  assert.match(described('x86'), /^Linux kernel x86 boot executable bzImage, version 6\.1\.0-18-practice /)
  assert.match(described('arm64'), /^Linux kernel ARM64 boot executable Image/)
})

test('kernels and initial RAM disks of practice cards are read as whole', async () => {
  for (const architecture of ['arm64', 'x86'] as const) {
    const { value } = await kernelVersion(memoryDevice(smallKernel(architecture, '6.1.0-18-practice')), { thorough: true })
    assert.equal(value?.version, '6.1.0-18-practice')
    assert.deepEqual(value.problems, [])
  }
  const { value } = await checkInitrd(memoryDevice(smallInitrd({ init: '#!/bin/sh\n' })), { thorough: true })
  assert.deepEqual([value?.end, value?.entries], ['whole', 1])
})

test('an initial RAM disk of a practice card is an archive that others unpack', { skip: missingTools('cpio') ?? false }, () => {
  const listed = tool('cpio', ['-it', '--quiet'], { input: gunzipSync(smallInitrd({ init: '#!/bin/sh\n', 'a file': 'x' })) })
  assert.deepEqual(listed.trim().split('\n'), ['init', 'a file'])
})
