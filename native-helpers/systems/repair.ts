import { LivecardError } from '../errors.ts'
import { readExtFacts } from '../volumes/ext-facts.ts'
import { openExt } from '../volumes/ext-tree.ts'
import { openFat } from '../volumes/fat-tree.ts'
import { readGpt } from '../volumes/gpt.ts'
import { mendGpt } from '../volumes/gpt-mend.ts'
import { type VolumeTree, walkTree } from '../volumes/tree.ts'
import { checkVolume, performSync } from '../wasm/ext-programs.ts'
import { hasModules } from '../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from './change.ts'
import { endInExtOrder } from './ext-order.ts'
import type { Card, CardVolume } from './system.ts'

/** What can be mended on any card, whatever system is on it: the table, then each volume by its own rules. */
export function repairCard(card: Card, draft: ChangeDraft, context: ChangeContext): void {
  repairTable(card, draft)
  for (const volume of card.volumes) {
    if (volume.device.size === 0) continue
    draft.witnesses.push({ offset: volume.startBytes, lengthBytes: Math.min(volume.device.size, 4096) })
    if (volume.identity?.type === 'vfat') repairFat(volume, draft)
    if (isExt(volume)) repairExt(volume, draft, context)
  }
}

const mendable = new Set([
  'gpt-primary-damaged',
  'gpt-backup-damaged',
  'gpt-copies-differ',
  'gpt-not-announced',
  'gpt-backup-not-at-end',
])

function repairTable(card: Card, draft: ChangeDraft): void {
  const { type, problems } = card.table
  const wrong = problems.filter(({ code }) => mendable.has(code))
  draft.witnesses.push({ offset: 0, lengthBytes: Math.min(card.device?.size ?? 0, 34 * 512) })
  if (type !== 'gpt' || wrong.length === 0) return
  // A copy at the end of the image instead of the card's harms nobody; it is moved along with other damage only.
  if (wrong.every(({ code }) => code === 'gpt-backup-not-at-end')) return
  const { value: table } = readGpt(draft.view)
  if (!table) {
    draft.notes.push('The partition table and its copy are both damaged; there is nothing to mend it from.')
    return
  }
  const { value: mend, problem } = mendGpt(draft.view, table)
  if (!mend) {
    draft.notes.push(`The partition table is left as it is: ${problem?.detail}.`)
    return
  }
  for (const { offset, bytes } of mend.backup) draft.view.writeSync(bytes, offset)
  draft.endGroup()
  for (const { offset, bytes } of mend.primary) draft.view.writeSync(bytes, offset)
  draft.endGroup()
  const from = table.copy === 'primary' ? 'first' : 'second'
  draft.steps.push(`Write both copies of the partition table from the ${from} one, the second at the end of the card.`)
  draft.keeps.push('All partitions with their places, names and GUIDs.')
}

/** The mark that a FAT was in use: bit 0 of the state byte, and the clean bit in entry 1 of each table (include/uapi/linux/msdos_fs.h; FAT specification 1.03). */
const stateOffset = { 12: 37, 16: 37, 32: 65 }
const cleanBit = { 16: 0x8000, 32: 0x08000000 }

function repairFat(volume: CardVolume, draft: ChangeDraft): void {
  const part = draft.part(volume.startBytes, volume.device.size)
  const { value: fat } = openFat(part)
  if (!fat || (!fat.volume.dirty && fat.table.clean)) return
  const problems = chainProblems(fat)
  if (problems > 0) {
    draft.notes.push(
      `${nameOf(volume)}: ${problems} ${problems === 1 ? 'entry is' : 'entries are'} damaged, so its mark for that stays. Save its files and write the card anew.`,
    )
    return
  }
  const { entryBits, reservedSectors, sectorBytes, fatCount, fatSectors } = fat.volume
  const state = new Uint8Array(1)
  part.readSync(state, stateOffset[entryBits])
  part.writeSync?.(Uint8Array.of((state[0] ?? 0) & ~1), stateOffset[entryBits])
  if (entryBits !== 12) {
    const width = entryBits / 8
    for (let copy = 0; copy < fatCount; copy += 1) {
      const place = (reservedSectors + copy * fatSectors) * sectorBytes + width
      const entry = Buffer.alloc(width)
      part.readSync(entry, place)
      if (entryBits === 16) entry.writeUInt16LE((entry.readUInt16LE() | cleanBit[16]) >>> 0)
      else entry.writeUInt32LE((entry.readUInt32LE() | cleanBit[32]) >>> 0)
      part.writeSync?.(entry, place)
    }
  }
  draft.endGroup()
  draft.steps.push(
    `${nameOf(volume)}: its files were gone through and are whole; clear the mark that it was not taken out properly.`,
  )
}

/** Chains that lead nowhere, run in circles or belong to two files. */
function chainProblems(tree: VolumeTree): number {
  let problems = 0
  const runs: { start: number; end: number }[] = []
  const found = walkTree(tree, (_path, node) => {
    const { value: extents } = node.extents()
    if (!extents) problems += 1
    for (const { start, lengthBytes } of extents ?? [])
      if (start !== null && lengthBytes > 0) runs.push({ start, end: start + lengthBytes })
  })
  runs.sort((a, b) => a.start - b.start)
  for (const [at, run] of runs.entries()) if (at > 0 && run.start < (runs[at - 1]?.end ?? 0)) problems += 1
  return problems + found.length
}

/** Also one whose first superblock is gone, which only its copies tell. */
function isExt({ identity, problem, device, type }: CardVolume): boolean {
  if (identity) return identity.type.startsWith('ext')
  return problem === null && type !== null && openExt(device).value !== null
}

/** Where the first superblock lies, and how long it is. */
const extSuperblock = { offset: 1024, lengthBytes: 1024 }

function repairExt(volume: CardVolume, draft: ChangeDraft, { seconds }: ChangeContext): void {
  const { value: facts } = readExtFacts(volume.device)
  draft.witnesses.push({ offset: volume.startBytes + extSuperblock.offset, lengthBytes: extSuperblock.lengthBytes })
  if (facts && facts.totalBytes > volume.device.size) {
    draft.notes.push(
      `${nameOf(volume)}: its end is missing, and nothing on this card brings that back. What can be read of it can be saved by a backup.`,
    )
    return
  }
  if (facts?.clean && !facts.needsRecovery && facts.errorCount === 0 && facts.problems.length === 0) return
  if (!hasModules()) {
    draft.notes.push(`${nameOf(volume)}: it has to be checked, and this Livecard was built without the tools for that.`)
    return
  }
  const part = draft.part(volume.startBytes, volume.device.size)
  const first = performSync(checkVolume({ mode: 'repair', seconds }), part)
  const after = performSync(checkVolume({ mode: 'look', seconds }), part)
  if (after.state !== 'clean') throw stillDamaged(volume, after.text)
  endInExtOrder(draft, part, volume.startBytes)
  draft.steps.push(`${nameOf(volume)}: carry out what waits in its journal and mend it, as e2fsck does. ${summary(first.text)}`)
}

/** What e2fsck did, in how many lines, without the passes and the sum at its end. */
function summary(text: string): string {
  const isAround = /^(e2fsck |Pass \d|\/dev\/card: )|: \d+\/\d+ files \(.*\), \d+\/\d+ blocks$/
  const lines = text.split('\n').filter((line) => line !== '' && !isAround.test(line.trim()))
  if (lines.length === 0) return 'Nothing in it is damaged.'
  return `It answers ${lines.length} ${lines.length === 1 ? 'finding' : 'findings, such as'}: ${lines[0]?.trim()}`
}

function nameOf({ number, identity }: CardVolume): string {
  const place = number === 0 ? 'The filesystem' : `Partition ${number}`
  return identity?.label ? `${place} ("${identity.label}")` : place
}

function stillDamaged(volume: CardVolume, text: string): LivecardError {
  return new LivecardError('failed', 'repair-impossible', {
    message: `${nameOf(volume)} cannot be mended: after a full check it is still damaged. ${summary(text)}`,
    meaning: 'It was tried in memory only: nothing was written to the card.',
    next: 'Back up what can still be read from it, then write the card anew.',
  })
}
