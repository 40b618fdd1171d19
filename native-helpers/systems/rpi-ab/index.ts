import { childNamed } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import type { Card, System } from '../system.ts'
import { backupsOfAb } from './backup.ts'
import { describeAb } from './describe.ts'
import { type AbLayout, generationOf, layoutOf, slotIds } from './layout.ts'
import { restoreAb } from './restore.ts'

/** Cards of rpi-image-gen with two slots (image/gpt/ab_userdata), of both generations, clear or with encrypted parts. */
export const rpiAb: System = {
  async detect(card) {
    const layout = layoutOf(card)
    if (!layout) return null
    return {
      id: 'rpi-ab',
      name: 'Raspberry Pi A/B card',
      generation: generationOf(layout),
      evidence: await evidenceOf(layout),
      roles: rolesOf(card, layout),
      describe: () => describeAb(card, layout),
      backups: async () => backupsOfAb(layout),
      restore: (draft, context) => restoreAb(card, layout, draft, context),
    }
  },
}

async function evidenceOf({ bootconfig, slots, persistent, encrypted }: AbLayout): Promise<string[]> {
  const names = slotIds
    .flatMap((id) => [slots[id].boot?.partlabel, slots[id].system?.partlabel])
    .filter((name) => name !== undefined)
  const evidence = [`partitions named ${names.join(', ')}`]
  if (encrypted) evidence.push(`an encrypted partition labelled ${encrypted.label}`)
  if (bootconfig) {
    const label = bootconfig.identity?.label
    evidence.push(`a partition named ${bootconfig.partlabel}${label ? ` with a volume labelled ${label}` : ''}`)
    const { value: tree } = bootconfig.identity?.type === 'vfat' ? await bootconfig.tree() : { value: null }
    const { value: choice } = await attempt(() => tree && childNamed(tree, tree.root, 'autoboot.txt'))
    if (choice) evidence.push('autoboot.txt in it')
  }
  if (persistent) {
    const label = persistent.identity?.label
    evidence.push(`a partition named ${persistent.partlabel}${label ? ` with a volume labelled ${label}` : ''}`)
  }
  return evidence
}

function rolesOf(card: Card, { bootconfig, slots, persistent, encrypted }: AbLayout): Map<number, string> {
  const roles = new Map<number, string>()
  for (const { number } of card.volumes) {
    if (number === bootconfig?.number) roles.set(number, 'boot choice')
    if (number === persistent?.number) roles.set(number, 'your files')
    for (const id of slotIds) {
      if (number === slots[id].boot?.number) roles.set(number, `slot ${id}, start files`)
      if (number === slots[id].system?.number) roles.set(number, `slot ${id}, system`)
    }
    if (number === encrypted?.volume.number) roles.set(number, 'encrypted')
  }
  return roles
}
