import type { Finding, ReportRoom } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { readFields, u32 } from '../../volumes/fields.ts'
import { pieceOf } from '../../volumes/piece.ts'
import { findNode, readSmallFile, type VolumeTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import { hasFolder, sizeOfFiles, textOf } from '../linux-root.ts'
import type { CardVolume } from '../system.ts'
import { because } from './boot-files.ts'
import { abFindings } from './findings.ts'
import { slotIds } from './layout.ts'

/** The partition `persistent`: everything that outlives an update. */
export interface DataState {
  findings: Finding[]
  rooms: ReportRoom[]
  facts: { label: string; value: string }[]
}

/**
 * image/gpt/ab_userdata/pre-image.sh makes these; where one is missing, the generators leave its mount out. What both slots share is made anew at each start
 * (rpi-persistent-shared-init).
 */
const skeleton = [...slotIds.map((id) => `slots/system_${id}/var`), 'home', 'log/journal', 'common/etc']
const machineIdPath = 'common/etc/machine-id'
const journalPath = 'log/journal'
/** SystemMaxUse in the journald.conf.d/persistent.conf of the systems. */
export const usualJournalBytes = 512 * 1024 * 1024
const nearlyFull = 0.8
const full = 0.98
/** Enough for what people keep; a folder with more is told as "and more", instead of reading the whole card. */
const maxCounted = { maxEntries: 20_000 }
/** s_mtime of struct ext4_super_block, fs/ext4/ext4.h: when it was mounted last. */
const lastMounted = { seconds: u32(1024 + 0x2c) }

/** `roots` are those of the slots that can be read; they tell how large the log may be. */
export async function readData(volume: CardVolume, roots: readonly VolumeTree[]): Promise<DataState> {
  const { number } = volume
  const state: DataState = { findings: [], rooms: [], facts: [] }
  const say = (id: keyof typeof abFindings, detail: string): void => {
    state.findings.push(found(abFindings, id, detail, number))
  }
  const { problem } = await attempt(() => fill(state, volume, roots, say))
  if (problem) say('ab-data-unreadable', `Partition ${number}${because(problem)}.`)
  return state
}

type Say = (id: keyof typeof abFindings, detail: string) => void

async function fill(state: DataState, volume: CardVolume, roots: readonly VolumeTree[], say: Say): Promise<void> {
  const { number } = volume
  const { value: tree, problem } = await volume.tree()
  const unread = problem ?? tree.root.list().problem
  if (unread) say('ab-data-unreadable', `Partition ${number}${because(unread)}.`)
  if (!tree || unread) return
  const missing = skeleton.filter((path) => !hasFolder(tree, path))
  if (missing.length > 0) say('ab-skeleton', `Missing on partition ${number}: ${missing.join(', ')}.`)
  const emptied = slotIds.filter((id) => {
    const top = findNode(tree, `slots/system_${id}/var`)
    return top?.kind === 'directory' && !hasFolder(tree, `slots/system_${id}/var/lib`)
  })
  if (emptied.length > 0) {
    const paths = emptied.map((id) => `slots/system_${id}/var`).join(' and ')
    say('ab-var-emptied', `There is no lib in ${paths} on partition ${number}.`)
  }
  checkMachineId(tree, wasStarted(volume, tree), number, say)
  measure(volume, tree, roots, state)
}

function checkMachineId(tree: VolumeTree, started: boolean, number: number, say: Say): void {
  const bytes = readSmallFile(tree, machineIdPath, 4096)
  const text = bytes && Buffer.from(bytes).toString('latin1').trim()
  const where = `${machineIdPath} on partition ${number}`
  if (text === null || text === '') {
    if (started) say('ab-machine-id-missing', `${where} is ${text === null ? 'not there' : 'empty'}, although the system has run.`)
    else say('ab-not-started', `Partition ${number} was never mounted, and holds no machine number and no log.`)
  } else if (!/^[0-9a-f]{32}$/.test(text)) {
    say('ab-machine-id-invalid', `${where} has ${text.length} characters: "${text.slice(0, 40).replace(/[^ -~]/g, '?')}".`)
  }
}

function wasStarted({ device }: CardVolume, tree: VolumeTree): boolean {
  const head = pieceOf(device, 0, 2048)
  if (head && readFields(lastMounted, head).seconds !== 0) return true
  return (findNode(tree, journalPath)?.list().entries.length ?? 0) > 0
}

function measure(volume: CardVolume, tree: VolumeTree, roots: readonly VolumeTree[], state: DataState): void {
  const say: Say = (id, detail) => state.findings.push(found(abFindings, id, detail, volume.number))
  const parts = [
    ['Home', 'home'],
    ...slotIds.map((id) => [`/var of slot ${id.toUpperCase()}`, `slots/system_${id}/var`]),
    ['Shared settings', 'shared'],
  ] as [label: string, path: string][]
  for (const [label, path] of parts) {
    const size = sizeOfFiles(tree, path, maxCounted)
    if (size && size.files > 0)
      state.facts.push({
        label,
        value: `${decimalSize(size.bytes)} in ${size.files} ${size.files === 1 ? 'file' : 'files'}${size.complete ? '' : ', and more'}`,
      })
  }
  const { usage } = volume
  if (usage) {
    state.rooms.push({
      id: 'data',
      title: 'Your files and settings',
      ...usage,
      note: 'Both slots share it; each has a /var of its own in it.',
    })
    const share = usage.usedBytes / usage.totalBytes
    const detail = `${decimalSize(usage.usedBytes)} of ${decimalSize(usage.totalBytes)} are used on partition ${volume.number}.`
    if (share >= full) say('ab-data-full', detail)
    else if (share >= nearlyFull) say('ab-data-nearly-full', detail)
  }
  const journal = sizeOfFiles(tree, journalPath, maxCounted)
  if (!journal) return
  const budget = journalBudget(roots)
  state.rooms.push({
    id: 'journal',
    title: 'Log',
    usedBytes: journal.bytes,
    totalBytes: budget,
    note: 'The system keeps it below this size while it runs.',
  })
  if (journal.bytes > budget)
    say('ab-journal-budget', `The log takes ${decimalSize(journal.bytes)}; the system allows it ${decimalSize(budget)}.`)
}

/** journald.conf(5), as the last of the slots says; numbers of bytes with K, M, G in powers of 1024. */
function journalBudget(roots: readonly VolumeTree[]): number {
  for (const root of roots) {
    const text = textOf(root, 'etc/systemd/journald.conf.d/persistent.conf', 64 * 1024) ?? ''
    const match = /^\s*SystemMaxUse\s*=\s*(\d{1,12})([KMGT]?)\s*$/m.exec(text)
    if (match) return Number(match[1]) * 1024 ** ' KMGT'.indexOf(match[2] || ' ')
  }
  return usualJournalBytes
}
