import type { Refusal } from '../contract.ts'
import type { DriveFacts, Use } from './facts.ts'
import { mountOwner } from './system-paths.ts'

/** Why a drive may not be written; an empty answer means that it may. No input but the facts, so that every case is a row of a table. */
export function refusalsFor(facts: DriveFacts): Refusal[] {
  const owners = facts.uses.filter((use) => use.kind === 'mount').map((use) => ({ at: use.at, owner: mountOwner(use.at) }))
  const system = owners.filter(({ owner }) => owner === 'system').map(({ at }) => at)
  const refusals: Refusal[] = []
  const refuse = (code: Refusal['code'], reason: string) => refusals.push({ code, reason })

  if (facts.isSystem || owners.some(({ owner }) => owner === 'root')) {
    refuse('system', 'This is the disk that this computer runs from.')
  }
  if (system.length > 0) refuse('mounted-system', `This computer keeps ${enumerate(system)} on it.`)
  const swaps = facts.uses.filter((use) => use.kind === 'swap').map((use) => use.at)
  if (swaps.length > 0) refuse('swap', `This computer uses it as memory (swap: ${enumerate(swaps)}).`)
  const holders = facts.uses.filter((use) => use.kind === 'holder')
  if (holders.length > 0) refuse('holder', `It is in use as ${describeHolders(holders)}; that has to be closed first.`)
  if (facts.kind === 'virtual')
    refuse('virtual', 'This is not a real drive but one that this computer makes up in memory or from a file.')
  if (facts.kind === 'composed')
    refuse('unknown', 'This is a volume that is put together from other drives (LVM, RAID or encryption), not a drive of its own.')
  if (facts.kind === 'optical') refuse('unknown', 'This is an optical drive; Livecard writes cards, sticks and disks.')
  if (facts.kind === 'boot-area') refuse('unknown', 'This is a hidden boot area of a built-in memory chip.')
  if (facts.sizeBytes === 0)
    refuse(
      'empty',
      facts.isCard || facts.removable ? 'No card is in this reader.' : 'It has no medium, or holds nothing at all (0 bytes).',
    )
  else if (facts.readOnly) refuse('read-only', readOnlyReason(facts))
  return refusals
}

/** Without the reason that `allowVirtual` lifts. */
export function standingRefusals(refusals: Refusal[], allowVirtual: boolean): Refusal[] {
  return refusals.filter(({ code }) => !(allowVirtual && code === 'virtual'))
}

function readOnlyReason(facts: DriveFacts): string {
  if (facts.isCard) return 'It is write-protected; look at the small switch on the side of the card.'
  return 'It is write-protected, or the system lets it be read only.'
}

/** By what they are, each with the names: "a disk made of one of its files (loop0 and loop3)". */
function describeHolders(holders: Extract<Use, { kind: 'holder' }>[]): string {
  const whats = [...new Set(holders.map(({ what }) => what))]
  return whats
    .map((what) => `${what} (${enumerate(holders.filter((holder) => holder.what === what).map(({ name }) => name))})`)
    .join(' and as ')
}

/** At most four things by name: "/home, /var and 3 more". */
export function enumerate(things: string[]): string {
  const unique = [...new Set(things)]
  const named = unique.slice(0, 4)
  if (unique.length > named.length) return `${named.join(', ')} and ${unique.length - named.length} more`
  if (named.length < 2) return named.join('')
  return `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
}
