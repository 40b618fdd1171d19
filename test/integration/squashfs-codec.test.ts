import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildCodec } from '../../build/wasm/codec.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { decompressWith, instantiate, loadBlockCodec } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, testFolder } from '../support/tools.ts'

test('the decoder for lz4 and lzo is built the same twice, kept, and built again when it is broken', async (t) => {
  const missing = missingTools('emcc', 'dpkg-source', 'apt-get')
  if (missing) return t.skip(missing)
  const cache = testFolder(t)
  const said: string[] = []
  const build = () => buildCodec({ cache, into: join(cache, 'placed'), say: (text) => void said.push(text) })
  const built = await build().catch((thrown: Error) => thrown)
  if (built instanceof Error) return t.skip(`the sources cannot be had here: ${built.message.slice(0, 200)}`)
  assert.equal(said.length, 1)
  await build()
  assert.equal(said.length, 1, 'a second set-up takes what is there')
  const bytes = readFileSync(built)
  writeFileSync(await buildCodec({ cache, into: null }), bytes.subarray(0, 1000))
  assert.deepEqual(readFileSync(await build()), bytes)
  assert.equal(said.length, 2)
  assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), [])

  // Blocks of real packers: the lz4 command's frame holds plain blocks after its header of seven bytes.
  const codec = instantiate(bytes)
  const plain = Buffer.concat([Buffer.alloc(50_000, 'some text that repeats '), noise(10_000)])
  if (missingTools('lz4') === null) {
    const packed = execFileSync('lz4', ['-c', '-B4', '--no-frame-crc', '-'], { input: plain })
    const block = packed.subarray(11, 11 + packed.readUInt32LE(7))
    assert.deepEqual(Buffer.from(decompressWith(codec, 'lz4')(block, plain.length)), plain)
    assert.throws(() => decompressWith(codec, 'lz4')(block, plain.length - 1))
    assert.throws(() => decompressWith(codec, 'lz4')(new Uint8Array(2_000_000), 10), RangeError)
  }
  assert.throws(() => decompressWith(codec, 'lzo')(noise(5000), 8192))
})

test('without the decoder, an image that needs it says so and what to do', () => {
  for (const format of ['lz4', 'lzo'] as const)
    assert.throws(
      () => loadBlockCodec(format, null),
      (thrown) => {
        assert(thrown instanceof LivecardError)
        assert.equal(thrown.code, 'squashfs-codec-missing')
        assert.match(thrown.message, new RegExp(format))
        return true
      },
    )
})

test('what the build needs is named where it is missing', async (t) => {
  if (missingTools('emcc') === null && process.platform === 'linux') {
    // The message is the same with a toolchain that does not work.
    const broken = testFolder(t)
    const failing = buildCodec({ cache: broken, into: null, say: () => {}, install: () => Promise.reject(new Error('no network')) })
    return assert.rejects(failing, /lz4 or lzo will not work here; everything else does\. no network/)
  }
  await assert.rejects(buildCodec({ cache: testFolder(t), into: null, say: () => {} }), /will not work here/)
})
