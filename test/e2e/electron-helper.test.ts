/** The two ways to the helper, a utility process and a child over stdio, tried in the Electron at hand. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BuildOptions, build } from 'esbuild'
import { electronRuntime } from '../../build/electron-runtime.ts'
import { openDisplay } from '../support/display.ts'
import { isRoot } from '../support/electron-app.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))

test('both ways carry the contract, end when asked, and tell of a death in the middle of a question', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-helper-ways-'))
  const display = await openDisplay()
  try {
    const common: BuildOptions = { absWorkingDir: top, bundle: true, platform: 'node', outdir: folder, external: ['electron'] }
    const source = 'test/support/helper-ways'
    await Promise.all([
      // Electron's own Node may be as old as 16.
      build({
        ...common,
        entryPoints: [`${source}/main.ts`, `${source}/port.ts`],
        format: 'cjs',
        outExtension: { '.js': '.cjs' },
        target: 'node16',
      }),
      build({ ...common, entryPoints: [`${source}/stdio.ts`], format: 'esm', outExtension: { '.js': '.mjs' }, target: 'node24' }),
    ])
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'helper-ways', version: '1.0.0', main: 'main.cjs' }))
    const { folder: runtime } = await electronRuntime()
    const { stdout } = await promisify(execFile)(join(runtime, 'electron'), [...(isRoot ? ['--no-sandbox'] : []), folder], {
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, DISPLAY: display.name, TEST_NODE: process.execPath },
      timeout: 45_000,
    })
    const ways = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>[]
    assert.deepEqual(
      ways.map(({ name }) => name),
      ['utility process', 'child'],
    )
    for (const way of ways) {
      assert.deepEqual(way.hello, {
        ok: true,
        value: { version: '0', contract: 1, platform: 'test', runtime: 'test', privileged: false },
      })
      assert.equal(way.unknown, 'unexpected')
      assert.equal(way.stopped, 'closed on this side')
      assert.equal(way.died, 'it ended with exit code 7')
      assert.equal(way.lastCall, 'helper-gone')
    }
  } finally {
    await display.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
