import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lamponeFindings } from '../../native-helpers/systems/lampone/findings.ts'
import { lampone } from '../../native-helpers/systems/lampone/index.ts'
import { copyOfCard, type LamponeCard, type LamponeLayout, type LamponeOptions, makeLampone } from '../support/lampone.ts'
import { cannotAil, lamponeAilments } from '../support/lampone-ailments.ts'
import { overwrite } from '../support/lampone-damage.ts'
import { describedBy } from '../support/read-card.ts'

const skip = cannotAil() ?? false

const folder = mkdtempSync(join(tmpdir(), 'livecard-lampone-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Cards are made once for each set of options, and copied for each test that damages one. */
const made = new Map<string, LamponeCard>()
function cardOf(options: LamponeOptions): LamponeCard {
  const key = JSON.stringify(options)
  const card = made.get(key) ?? makeLampone(folder, options)
  made.set(key, card)
  return copyOfCard(card, folder)
}

const lampones: LamponeLayout[] = ['lampone']
for (const { name, layouts = lampones, options = {}, change, ids } of lamponeAilments) {
  for (const layout of layouts) {
    test(`${layout}: ${name}: ${ids.join(', ') || 'nothing is found'}`, { skip }, async () => {
      const card = cardOf({ layout, ...options })
      try {
        change?.(card)
        const described = await describedBy(lampone, { image: card.path })
        assert.ok(described, 'the card is not recognised')
        assert.deepEqual(described.ids.sort(), [...ids].sort())
        for (const { detail, title, meaning } of described.description.findings) {
          assert.match(detail, /^\S.*\.$/)
          for (const text of [detail, title, meaning]) assert.doesNotMatch(text, /undefined|null|NaN|!/)
        }
      } finally {
        rmSync(card.path)
      }
    })
  }
}

test('a persistence whose superblock is destroyed still tells what lies in it, by a copy', { skip }, async () => {
  const card = cardOf({ layout: 'lampone', persistenceMiB: 300 })
  overwrite(card.path, card.persistence.startBytes, new Uint8Array(4096))
  const described = await describedBy(lampone, { image: card.path })
  assert.match(described?.description.findings[0]?.detail ?? '', /a copy of it is whole\.$/)
  assert.equal(described?.description.facts.find(({ label }) => label === 'Your changes')?.value, '3 files, 3 MB')
  rmSync(card.path)
})

test('every finding of this family is provoked by some card', () => {
  const provoked = new Set(lamponeAilments.flatMap(({ ids }) => ids))
  assert.deepEqual(
    Object.keys(lamponeFindings).filter((id) => !provoked.has(id as keyof typeof lamponeFindings)),
    [],
  )
})
