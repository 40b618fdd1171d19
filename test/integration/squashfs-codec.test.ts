import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildCodec } from '../../build/wasm/codec.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { type BlockCodec, blockCodec, codecOf } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { loadDecompressor } from '../../native-helpers/volumes/squashfs/decompress.ts'
import { startPacker } from '../../native-helpers/volumes/squashfs/write-compress.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, testFolder } from '../support/tools.ts'

const mebibyte = 1024 * 1024
const plain = Buffer.concat([Buffer.alloc(50_000, 'some text that repeats '), noise(10_000)])

test('the codec is built the same twice, kept, and built again when it is broken', async (t) => {
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
  const codec = codecOf(bytes)
  assert(codec)
  if (missingTools('lz4') === null) {
    const packed = execFileSync('lz4', ['-c', '-B4', '--no-frame-crc', '-'], { input: plain })
    const block = packed.subarray(11, 11 + packed.readUInt32LE(7))
    assert.deepEqual(Buffer.from(codec.decode('lz4', block, plain.length)), plain)
    assert.throws(() => codec.decode('lz4', block, plain.length - 1))
    assert.throws(() => codec.decode('lz4', new Uint8Array(2_000_000), 10), RangeError)
  }
  assert.throws(() => codec.decode('lzo', noise(5000), 8192))
})

/** What a block of xz can be unpacked with: the codec, and without it the library that flashing uses. */
const ways: { name: string; codec: () => BlockCodec | null }[] = [
  { name: 'the codec', codec: blockCodec },
  { name: 'the library', codec: () => null },
]

for (const { name, codec } of ways)
  test(`blocks of the xz command are unpacked by ${name}, and refused with a name where they are wrong`, async (t) => {
    const missing = missingTools('xz') ?? (name === 'the codec' && !blockCodec() ? 'the codec is not built here' : null)
    if (missing) return t.skip(missing)
    const isDamage = (thrown: unknown) => thrown instanceof LivecardError && thrown.code === 'squashfs-damaged'
    const large = Buffer.concat([noise(700_000), Buffer.alloc(mebibyte - 700_000, 'some text that repeats ')])
    for (const format of ['xz', 'lzma'] as const) {
      const unpack = await loadDecompressor(format, codec())
      const xz = (input: Uint8Array, ...args: string[]) =>
        execFileSync('xz', ['-c', `--format=${format}`, ...(format === 'xz' ? ['--check=crc32'] : []), ...args], { input })
      for (const block of [plain, large, Buffer.from('a')]) {
        const packed = xz(block, `--${format === 'xz' ? 'lzma2' : 'lzma1'}=dict=1MiB`)
        assert.deepEqual(Buffer.from(unpack(packed, block.length)), block)
        assert.deepEqual(Buffer.from(unpack(packed, mebibyte)), block)
        assert.throws(() => unpack(packed.subarray(0, packed.length - 12), mebibyte), isDamage, 'the end is missing')
        const flipped = Buffer.from(packed)
        flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 0x10
        // The older format has no checksum, so damage in it may come out as other bytes.
        if (format === 'xz') assert.throws(() => unpack(flipped, mebibyte), isDamage, 'a bit is wrong')
      }
      if (format === 'xz') {
        assert.throws(() => unpack(xz(plain), plain.length - 1), isDamage, 'more than there may be')
        const filtered = xz(large, '--x86', '--lzma2=dict=1MiB')
        assert.deepEqual(Buffer.from(unpack(filtered, mebibyte)), large)
      }
      assert.throws(() => unpack(noise(5000), 8192), isDamage)
      assert.throws(() => unpack(new Uint8Array(0), 8192), isDamage)
      // Its dictionary would be 64 MiB. The next block is not harmed by it.
      assert.throws(() => unpack(xz(plain, '-9'), plain.length), isDamage, 'a dictionary beyond the memory')
      assert.deepEqual(Buffer.from(unpack(xz(plain, '-1'), plain.length)), plain)
    }
  })

test('blocks that the codec packs are what the xz command unpacks, of every length that there is', (t) => {
  const codec = blockCodec()
  const missing = codec ? missingTools('xz') : 'the codec is not built here'
  if (missing || !codec) return t.skip(missing ?? '')
  for (const block of [Buffer.alloc(1), plain, Buffer.from(noise(mebibyte)), Buffer.alloc(mebibyte, plain)]) {
    const packed = codec.packXz(block, mebibyte)
    assert.deepEqual(execFileSync('xz', ['-dc'], { input: packed, maxBuffer: 2 * mebibyte }), block)
    assert.deepEqual(Buffer.from(codec.decode('xz', packed, block.length)), block)
  }
  assert.throws(() => codec.packXz(new Uint8Array(mebibyte + 1), mebibyte))
  assert.throws(() => codec.packXz(new Uint8Array(10), 2 * mebibyte))
})

test('after a trap the next block gets a new instance, and a module that is broken or from before it knew xz counts as none', () => {
  const codec = codecOf(trapping('codec_pack_xz'))
  assert(codec)
  const one = new Uint8Array(1)
  assert.equal(codec.decode('xz', one, 9).length, 1)
  assert.equal(codec.decode('xz', one, 9).length, 2)
  assert.throws(() => codec.decode('xz', new Uint8Array(0), 9), WebAssembly.RuntimeError)
  assert.equal(codec.decode('xz', one, 9).length, 1)
  assert.equal(codecOf(trapping('codec_other')), null)
  assert.equal(codecOf(new Uint8Array(100)), null)
})

/** A module with the exports of the codec, whose answer to the nth block is n, and which traps at one without bytes. */
function trapping(packName: string): Uint8Array<ArrayBuffer> {
  const section = (id: number, ...items: number[][]) => [id, items.flat().length + 1, items.length, ...items.flat()]
  const exported = (name: string, kind: number, index: number) => [name.length, ...Buffer.from(name), kind, index]
  const i32 = 0x7f
  const code = (...body: number[]) => [body.length + 2, 0, ...body, 0x0b]
  const number = (value: number) => code(0x41, value)
  const count = [0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x23, 0]
  const trapWithoutBytes = [0x20, 1, 0x45, 0x04, 0x40, 0x00, 0x0b]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 0, 1, i32], [0x60, 3, i32, i32, i32, 1, i32], [0x60, 2, i32, i32, 1, i32]),
    ...section(3, [0], [0], [1], [2]),
    ...section(5, [0, 1]),
    ...section(6, [i32, 1, 0x41, 0, 0x0b]),
    ...section(
      7,
      exported('memory', 2, 0),
      exported('codec_input', 0, 0),
      exported('codec_output', 0, 0),
      exported('codec_space', 0, 1),
      exported('codec_decode', 0, 2),
      exported(packName, 0, 3),
    ),
    ...section(10, number(0), number(32), code(...trapWithoutBytes, ...count), number(0)),
  ])
}

test('without the codec, an image that needs it to be read or written says so and what to do', async () => {
  for (const format of ['lz4', 'lzo'] as const)
    await assert.rejects(loadDecompressor(format, null), (thrown) => {
      assert(thrown instanceof LivecardError)
      assert.equal(thrown.code, 'squashfs-codec-missing')
      assert.match(thrown.message, new RegExp(format))
      return true
    })
  assert.throws(
    () => startPacker('xz', 4096, 6, null),
    (thrown) => thrown instanceof LivecardError && thrown.code === 'squashfs-codec-missing',
  )
})

test('what the build needs is named where it is missing', async (t) => {
  if (missingTools('emcc') === null && process.platform === 'linux') {
    // The message is the same with a toolchain that does not work.
    const broken = testFolder(t)
    const failing = buildCodec({ cache: broken, into: null, say: () => {}, install: () => Promise.reject(new Error('no network')) })
    return assert.rejects(failing, /packed with xz, will not work here; everything else does\. no network/)
  }
  await assert.rejects(buildCodec({ cache: testFolder(t), into: null, say: () => {} }), /will not work here/)
})
