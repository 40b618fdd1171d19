/**
 * The damaged volumes of e2fsprogs' own tests, repaired by the native e2fsck and by the one in WebAssembly, twice as upstream does: same exit code, same words, same bytes.
 * A sample by default; all 206 with LIVECARD_UPSTREAM=all (a few minutes).
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { testFolder } from '../support/tools.ts'
import {
  cannotWasm,
  counters,
  differences,
  type Range,
  runModule,
  runNative,
  upstreamImages,
  volumeBytes,
} from '../support/wasm.ts'

const everyNth = process.env.LIVECARD_UPSTREAM === 'all' ? 1 : 7

/**
 * What depends on the machine: multiple mount protection writes the host's name, the process and the moment into its block; an external journal is looked for among the
 * machine's devices, of which WebAssembly sees none.
 */
const knowsTheMachine = /^(m_mmp|f_ext_journal$)/

/** What depends on chance: a new UUID, and the number with which a new journal begins. */
function chance(name: string, said: string): readonly Range[] {
  const ranges = [...counters]
  if (said.includes('did not have a UUID; generating one')) ranges.push([1024 + 0x68, 1024 + 0x78])
  if (/^j_corrupt_sb_/.test(name)) ranges.push([32768 + 24, 32768 + 28])
  return ranges
}

test("upstream's damaged volumes are repaired as the native e2fsck repairs them", (t) => {
  const images = upstreamImages()
  const reason = cannotWasm('e2fsck') ?? (images.length === 0 ? "upstream's images are not in the cache" : null)
  if (reason) return t.skip(reason)
  const chosen = images.filter((path, index) => index % everyNth === 0 && !knowsTheMachine.test(basename(path, '.gz')))
  const [native, wasm] = ['native', 'wasm'].map((name) => join(testFolder(t), name)) as [string, string]
  for (const folder of [native, wasm]) mkdirSync(folder, { recursive: true })
  const wrong: string[] = []
  for (const path of chosen) {
    const name = basename(path, '.gz')
    const image = gunzipSync(readFileSync(path))
    for (const folder of [native, wasm]) {
      writeFileSync(join(folder, 'test.img'), image)
      const wanted = volumeBytes(image)
      if (wanted > image.length && wanted < 2 ** 31) truncateSync(join(folder, 'test.img'), wanted)
    }
    // A UUID that the first pass made stands there in the second one too.
    let ranges: readonly Range[] = []
    for (const pass of [1, 2]) {
      const args = ['-f', '-y', '-N', 'test_filesys', 'test.img']
      const expected = runNative('e2fsck', args, native)
      const { result: _, ...got } = runModule('e2fsck', args, wasm)
      ranges = [...ranges, ...chance(name, expected.out)]
      const bytes = differences(join(native, 'test.img'), join(wasm, 'test.img'), ranges)
      if (bytes.length > 0) wrong.push(`${name}, pass ${pass}: bytes ${bytes.join(', ')}`)
      try {
        assert.deepEqual(got, expected)
      } catch (thrown) {
        wrong.push(`${name}, pass ${pass}: ${thrown instanceof Error ? thrown.message : thrown}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
  t.diagnostic(`${chosen.length} of ${images.length} volumes, twice each`)
})
