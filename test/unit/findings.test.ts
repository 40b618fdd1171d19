import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { verbs } from '../../native-helpers/cli/command.ts'
import { remediesHere, remedyText } from '../../native-helpers/cli/remedies.ts'
import { remedy, severity } from '../../native-helpers/contract.ts'
import { findingKinds } from '../../native-helpers/systems/all-findings.ts'
import type { FindingKind } from '../../native-helpers/systems/finding.ts'
import { runCli } from '../support/run-cli.ts'

const systems = fileURLToPath(new URL('../../native-helpers/systems', import.meta.url))
const listed: [of: string, id: string, kind: FindingKind][] = findingKinds.flatMap(({ of, kinds }) =>
  Object.entries(kinds).map(([id, kind]): [string, string, FindingKind] => [of, id, kind]),
)

function isKinds(value: unknown): value is Record<string, FindingKind> {
  const kinds = typeof value === 'object' && value !== null ? Object.values(value) : []
  return (
    kinds.length > 0 && kinds.every((kind) => typeof kind === 'object' && kind !== null && 'severity' in kind && 'meaning' in kind)
  )
}

test('every kind of finding that a family knows is in the list of all of them', async () => {
  const files = globSync(['*/findings.ts', '*-findings.ts'], { cwd: systems }).filter((file) => file !== 'all-findings.ts')
  assert.ok(files.length > 1)
  const known = new Set(listed.map(([, id]) => id))
  for (const file of files) {
    const exported = Object.values((await import(join(systems, file))) as Record<string, unknown>).filter(isKinds)
    assert.ok(exported.length > 0, `${file} exports no kinds of findings`)
    for (const kinds of exported)
      for (const id of Object.keys(kinds)) assert.ok(known.has(id), `${id} of ${file} is not in all-findings.ts`)
  }
})

test('ids of findings are unique, and each says in whole sentences what is so and what it means', () => {
  const ids = listed.map(([, id]) => id)
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  )
  for (const [, id, kind] of listed) {
    assert.match(id, /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/, id)
    assert.ok(severity.safeParse(kind.severity).success, id)
    assert.ok(kind.remedy === null || remedy.safeParse(kind.remedy).success, id)
    for (const text of [kind.title, kind.meaning]) assert.match(text, /^["A-Z].*[^ ]\.$/s, `${id}: ${text}`)
    assert.equal(/!|please|\bsorry\b/i.test(kind.title + kind.meaning), false, id)
  }
})

test('a remedy is offered as a command only where its verb is there', () => {
  const names = new Set(verbs.map(({ name }) => name))
  for (const one of remedy.options) {
    assert.equal(remediesHere.has(one), names.has(one), one)
    assert.equal(remedyText(one, '/dev/sdb').startsWith(`livecard ${one} `), names.has(one), one)
  }
})

test('the list is told for people and for scripts', async () => {
  const json = await runCli(['inspect', '--help-findings', '--json'])
  assert.equal(json.code, 0)
  const { findings } = JSON.parse(json.stdout) as { findings: { id: string; meaning: string }[] }
  assert.deepEqual(
    findings.map(({ id }) => id),
    listed.map(([, id]) => id),
  )
  const text = await runCli(['inspect', '--help-findings'])
  for (const [of, id, { severity: how }] of listed) {
    assert.match(text.stdout, new RegExp(`^ {2}${id} +${how}`, 'm'), `${of}: ${id}`)
  }
})
