import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

interface Locked {
  version?: string
  resolved?: string
  integrity?: string
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'))
const packages: Record<string, Locked> = read('package-lock.json').packages
const manifest = read('package.json')
const installed = Object.entries(packages).filter(([path]) => path !== '')

test('every package comes from the registry, with its checksum, and no address is written down', () => {
  assert.ok(installed.length > 100, 'the lock file lists the packages')
  for (const [path, locked] of installed) {
    assert.equal(locked.resolved, undefined, `${path} names an address`)
    assert.match(locked.integrity ?? '', /^sha512-/, `${path} has no checksum`)
  }
})

test('the packages of other platforms are locked too, or npm ci refuses the lock file there', () => {
  for (const [path, locked] of installed) {
    for (const name of Object.keys(locked.optionalDependencies ?? {})) {
      const nested = `${path}/node_modules/${name}`
      assert.ok(packages[nested] ?? packages[`node_modules/${name}`], `${name}, wanted by ${path}, is not locked`)
    }
  }
})

test('only the named packages may run an install script', () => {
  const allowed = new Set(Object.keys(manifest.allowScripts))
  const withScripts = installed
    .filter(([, locked]) => locked.hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
  for (const name of allowed) assert.ok(withScripts.includes(name), `${name} is allowed a script that it does not have`)
  assert.match(readFileSync(new URL('../../.npmrc', import.meta.url), 'utf8'), /^ignore-scripts=true$/m)
})

test('every direct dependency is pinned to one version', () => {
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(String(range), /^\d+\.\d+\.\d+$/, `${name}: ${range}`)
  }
})
