import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildE2fsprogs, featuresNeedingE2fsprogs, findE2fsprogs } from '../../build/wasm/e2fsprogs.ts'
import { testFolder } from '../support/tools.ts'
import { cannotWasm, sha256OfFile } from '../support/wasm.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))

interface Built {
  sha256: Record<string, string>
}

function readBuilt(folder: string): Built {
  return JSON.parse(readFileSync(join(folder, 'built.json'), 'utf8')) as Built
}

test('a second checkout takes the modules that the first one built, in no time', async (t) => {
  const reason = (await findE2fsprogs()) === null ? 'e2fsprogs was not built in WebAssembly here' : null
  if (reason) return t.skip(reason)
  const into = join(testFolder(t), 'wasm')
  const said: string[] = []
  const started = performance.now()
  await buildE2fsprogs({ into, say: (text) => said.push(text) })
  assert.deepEqual(said, [])
  assert.ok(performance.now() - started < 5000)
  const { sha256 } = readBuilt(into)
  assert.deepEqual(readdirSync(into).sort(), ['built.json', ...Object.keys(sha256).map((name) => `${name}.wasm`)].sort())
  for (const [name, sum] of Object.entries(sha256)) assert.equal(sha256OfFile(join(into, `${name}.wasm`)), sum)
  // With nothing to do, nothing is written.
  const before = statSync(join(into, 'e2fsck.wasm')).mtimeMs
  await buildE2fsprogs({ into })
  assert.equal(statSync(join(into, 'e2fsck.wasm')).mtimeMs, before)
})

test('without the toolchain one sentence says what will not work, and nothing is left behind', (t) => {
  const cache = join(testFolder(t), 'cache')
  const into = join(testFolder(t), 'wasm')
  const script = `
    const { buildE2fsprogs } = await import(${JSON.stringify(join(top, 'build/wasm/e2fsprogs.ts'))})
    await buildE2fsprogs(${JSON.stringify({ cache, into })}).then(() => console.log('built'), (thrown) => console.log(thrown.message))`
  const done = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, PATH: '/nonexistent' },
  })
  assert.ok(
    done.stdout.includes(`so ${featuresNeedingE2fsprogs} will not work here; everything else does`),
    done.stdout + done.stderr,
  )
  assert.equal(done.stdout.trim().split('\n').length, 1)
  assert.equal(existsSync(into), false)
  assert.equal(existsSync(cache), false)
})

test('building again in another folder gives the same bytes', async (t) => {
  const reason = cannotWasm() ?? (process.env.LIVECARD_REBUILD ? null : 'takes minutes: set LIVECARD_REBUILD=1')
  if (reason) return t.skip(reason)
  const [first, second] = [await buildE2fsprogs({ into: null }), await buildE2fsprogs({ cache: testFolder(t), into: null })]
  assert.notEqual(first.folder, second.folder)
  assert.deepEqual(readBuilt(second.folder).sha256, readBuilt(first.folder).sha256)
})
