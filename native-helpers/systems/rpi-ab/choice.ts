import type { Finding } from '../../contract-report.ts'
import { type Autoboot, maxAutobootBytes, parseAutoboot } from '../../volumes/boot-config/autoboot.ts'
import { openFat } from '../../volumes/fat-tree.ts'
import { readSmallFile } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import type { Card, CardVolume } from '../system.ts'
import { because } from './boot-files.ts'
import { abFindings } from './findings.ts'
import { type AbLayout, type SlotId, slotIds } from './layout.ts'

/** Which slot the firmware takes, by autoboot.txt. Which one ran last is not written down anywhere. */
export interface BootChoice {
  /** Null where that cannot be told. */
  starts: SlotId | null
  /** After a restart with the flag "tryboot"; null where none is named. */
  trial: SlotId | null
  findings: Finding[]
}

/** With fewer clusters the boot program takes a FAT32 for FAT16 (raspberrypi/rpi-eeprom, issue 738 and others). */
const minFat32Clusters = 65_525
const maxReadBytes = 64 * 1024

export async function readBootChoice(layout: AbLayout, card: Card): Promise<BootChoice> {
  const choice: BootChoice = { starts: null, trial: null, findings: [] }
  const volume = layout.bootconfig
  if (!volume) return choice
  const say = (id: keyof typeof abFindings, detail: string): void => {
    choice.findings.push(found(abFindings, id, detail, volume.number))
  }
  const { problem } = await attempt(() => fill(choice, volume, layout, card, say))
  if (problem) say('ab-bootconfig-unreadable', `Partition ${volume.number}, ${volume.partlabel}: ${problem.detail}.`)
  return choice
}

type Say = (id: keyof typeof abFindings, detail: string) => void

async function fill(choice: BootChoice, volume: CardVolume, layout: AbLayout, card: Card, say: Say): Promise<void> {
  const { value: tree, problem } = volume.identity?.type === 'vfat' ? await volume.tree() : { value: null, problem: volume.problem }
  const unread = tree ? tree.root.list().problem : problem
  if (!tree || unread) {
    say(
      'ab-bootconfig-unreadable',
      `Partition ${volume.number}, ${volume.partlabel}, is no FAT volume that can be read${because(unread)}.`,
    )
    return
  }
  const { value: fat } = openFat(volume.device)
  if (fat && fat.volume.entryBits === 32 && fat.volume.clusterCount < minFat32Clusters) {
    say(
      'ab-bootconfig-fat32',
      `Partition ${volume.number} is FAT32 with ${fat.volume.clusterCount} clusters; below ${minFat32Clusters} it has to be FAT16.`,
    )
  }
  const bytes = readSmallFile(tree, 'autoboot.txt', maxReadBytes)
  if (!bytes) {
    say('ab-autoboot-missing', `There is no autoboot.txt on partition ${volume.number}, or it cannot be read.`)
    return
  }
  judge(parseAutoboot(bytes), bytes.length, layout, card, choice, say)
}

function judge(autoboot: Autoboot, length: number, layout: AbLayout, card: Card, choice: BootChoice, say: Say): void {
  const { normal, trial, problems } = autoboot
  if (length > maxAutobootBytes) say('ab-autoboot-long', `It has ${length} bytes, and only the first ${maxAutobootBytes} are read.`)
  const strange = problems.filter(({ code }) => code === 'autoboot-filter').map(({ detail }) => detail)
  if (strange.length > 0) say('ab-autoboot-filter', `${sentence(strange.join('; '))}.`)
  const wrong = problems.filter(({ code }) => code === 'autoboot-value' || code === 'autoboot-line').map(({ detail }) => detail)

  const slotOf = (number: number | null): SlotId | null =>
    slotIds.find((id) => number !== null && layout.slots[id].boot?.number === number) ?? null
  choice.starts = slotOf(normal.bootPartition)
  const named = (number: number | null, when: string): string[] => {
    if (number === null) return [`${when} names no partition`]
    if (slotOf(number) !== null) return []
    const volume = card.volumes.find((candidate) => candidate.number === number)
    return [
      `${when} names partition ${number}, ${volume ? `which is ${volume.partlabel ?? 'without a name'}` : 'which does not exist'}`,
    ]
  }
  const hasTrial = trial.trybootAB
  wrong.push(...named(normal.bootPartition, 'the usual start'), ...(hasTrial ? named(trial.bootPartition, 'the trial start') : []))
  if (wrong.length > 0) say('ab-autoboot-invalid', `${sentence(wrong.join('; '))}.`)
  if (!hasTrial) say('ab-autoboot-no-trial', 'It has no tryboot_a_b=1, so that a restart with "tryboot" does not change the slot.')
  else choice.trial = slotOf(trial.bootPartition)
  if (choice.trial !== null && choice.trial === choice.starts) {
    say('ab-autoboot-same', `Both starts name partition ${normal.bootPartition}.`)
  }
}

function sentence(clause: string): string {
  return clause.charAt(0).toUpperCase() + clause.slice(1)
}
