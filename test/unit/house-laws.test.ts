import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const top = fileURLToPath(new URL('../..', import.meta.url))

/** importing file, imported name, whether the house allows it */
const imports: [string, string, boolean][] = [
  ['renderer/state/a.ts', '../../native-helpers/contract.ts', true],
  ['renderer/a.ts', '../native-helpers/jobs/runner.ts', false],
  ['renderer/a.ts', 'node:fs', false],
  ['electron/a.ts', '../renderer/bridge.ts', true],
  ['electron/a.ts', '../renderer/state/drives.ts', false],
  ['electron/a.ts', '../native-helpers/block/device.ts', false],
  ['native-helpers/volumes/a.ts', '../block/device.ts', true],
  ['native-helpers/volumes/a.ts', '../jobs/runner.ts', false],
  ['native-helpers/imaging/a.ts', '../volumes/gpt.ts', true],
  ['native-helpers/imaging/a.ts', '../drives/list.ts', false],
  ['native-helpers/drives/a.ts', '../access/open.ts', true],
  ['native-helpers/drives/a.ts', '../imaging/probe.ts', false],
  ['native-helpers/jobs/a.ts', '../drives/list.ts', true],
  ['native-helpers/jobs/a.ts', '../cli/args.ts', false],
  ['native-helpers/jobs/a.ts', 'react', false],
  ['native-helpers/block/a.ts', '../errors.ts', true],
  ['native-helpers/block/a.ts', '../volumes/gpt.ts', false],
  ['native-helpers/systems/a.ts', '../drives/list.ts', false],
  ['native-helpers/cli/a.ts', '../jobs/runner.ts', true],
  ['native-helpers/web/a.ts', '../../renderer/main.tsx', false],
]

test('the linter refuses every import that goes against the direction of the house', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-laws-'))
  try {
    cpSync(join(top, '.biome.json'), join(folder, '.biome.json'))
    for (const [index, [file, name]] of imports.entries()) {
      const path = join(folder, dirname(file), `case-${index}.ts`)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `import { a } from '${name}'\n\na()\n`)
    }
    const lint = spawnSync(
      process.execPath,
      [
        join(top, 'node_modules/@biomejs/biome/bin/biome'),
        'lint',
        '--vcs-enabled=false',
        '--reporter=json',
        '--max-diagnostics=none',
        '.',
      ],
      { cwd: folder, encoding: 'utf8' },
    )
    const refused = new Set([...lint.stdout.matchAll(/case-(\d+)\.ts/g)].map((match) => Number(match[1])))
    for (const [index, [file, name, allowed]] of imports.entries()) {
      assert.equal(!refused.has(index), allowed, `${file} importing ${name}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
