import type { Finding } from '../../contract-report.ts'
import { argumentValue, maxConfigBytes } from '../../volumes/boot-config/entry.ts'
import { type GrubConfig, type GrubEntry, grubEntryNamed, parseGrubCfg } from '../../volumes/boot-config/grub-cfg.ts'
import { type Grubenv, parseGrubenv } from '../../volumes/boot-config/grubenv.ts'
import { findNode, readSmallFile, type VolumeTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import { textOf } from '../linux-root.ts'
import { tmpfsrootFindings } from './findings.ts'
import { espName, type RootId, rootIds, rootTitle, rootUuids, type TmpfsLayout } from './layout.ts'

/** What starts, by EFI/fedora/grub.cfg and the grubenv beside it. */
export interface BootMenu {
  /** Kept for every start; null where it names no root. */
  saved: RootId | null
  /** For the next start only; null where there is none. */
  next: RootId | null
  /** The memory that a root is copied to, by its entry in the menu; null where it has none. */
  limitBytes: Record<RootId, number | null>
  facts: { label: string; value: string }[]
  findings: Finding[]
}

export const menuPath = 'EFI/fedora/grub.cfg'
export const grubenvPath = 'EFI/fedora/grubenv'
const maxGrubenvBytes = 64 * 1024
/** tmpfs(5): a size in bytes or with k, m, g in powers of 1024. */
const sizeUnits: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

type Say = (id: keyof typeof tmpfsrootFindings, detail: string) => void

export async function readBootMenu(layout: TmpfsLayout): Promise<BootMenu> {
  const menu: BootMenu = { saved: null, next: null, limitBytes: { a: null, b: null }, facts: [], findings: [] }
  const { esp } = layout
  const say: Say = (id, detail) => {
    menu.findings.push(found(tmpfsrootFindings, id, detail, esp?.number ?? null))
  }
  const { problem } = await attempt(() => fill(menu, layout, say))
  if (problem) say('tmpfsroot-esp-missing', `Partition ${esp?.number}: ${problem.detail}.`)
  return menu
}

async function fill(menu: BootMenu, layout: TmpfsLayout, say: Say): Promise<void> {
  const { esp, espNames } = layout
  const { value: tree, problem } = esp?.identity?.type === 'vfat' ? await esp.tree() : { value: null, problem: esp?.problem }
  const unread = tree ? tree.root.list().problem : problem
  if (!esp || !tree || unread) {
    say(
      'tmpfsroot-esp-missing',
      esp
        ? `Partition ${esp.number} is no FAT volume that can be read${unread ? `: ${unread.detail}` : ''}.`
        : 'There is no EFI partition.',
    )
    return
  }
  if (espNames !== 1)
    say(
      'tmpfsroot-esp-name',
      `${espNames === 0 ? 'No partition is' : `${espNames} partitions are`} named "${espName}"; it has to be exactly one.`,
    )
  const text = textOf(tree, menuPath, maxConfigBytes)
  const config = text === null ? null : parseGrubCfg(text)
  if (!config || config.entries.length === 0) {
    say(
      'tmpfsroot-menu-missing',
      config ? `${menuPath} on partition ${esp.number} has no entries.` : `There is no ${menuPath} on partition ${esp.number}.`,
    )
    return
  }
  judgeEntries(config, layout, menu, say)
  judgeChoice(config, readGrubenv(tree, say), menu, say)
}

/** Which root an entry starts, by what it searches for. */
function rootOf(entry: GrubEntry | null | undefined): RootId | null {
  const searched = entry?.searches.find(({ by }) => by === 'uuid')?.value.toLowerCase()
  return rootIds.find((id) => rootUuids[id] === searched) ?? null
}

function judgeEntries(config: GrubConfig, layout: TmpfsLayout, menu: BootMenu, say: Say): void {
  for (const entry of config.entries) {
    const searched = entry.searches.find(({ by }) => by === 'uuid')?.value
    if (searched === undefined) continue
    const id = rootOf(entry)
    const isThere = id ? layout.roots[id].length > 0 : false
    if (!isThere) {
      say('tmpfsroot-menu-uuid', `Entry ${entry.place} of ${menuPath} looks for the UUID ${searched}.`)
      continue
    }
    const root = argumentValue(entry.arguments, 'root')
    if (id && root !== null && root.toLowerCase() !== `uuid=${rootUuids[id]}`) {
      say('tmpfsroot-menu-argument', `Entry ${entry.place} takes the kernel of ${rootTitle(id)}, with root=${root}.`)
    }
    const size = argumentValue(entry.arguments, 'tmpfsroot.size')
    if (id) menu.limitBytes[id] ??= bytesOf(size)
    menu.facts.push({ label: `Memory for ${id ? rootTitle(id) : `entry ${entry.place}`}`, value: size ?? 'not given' })
  }
  const without = rootIds.filter((id) => layout.roots[id].length > 0 && !config.entries.some((entry) => rootOf(entry) === id))
  if (without.length > 0)
    say('tmpfsroot-menu-entry-missing', `${menuPath} has no entry for ${without.map(rootTitle).join(' and ')}.`)
}

function bytesOf(size: string | null): number | null {
  const match = /^(\d{1,15})([kmg]?)$/i.exec(size ?? '')
  return match ? Number(match[1]) * (sizeUnits[(match[2] ?? '').toLowerCase()] ?? 1) : null
}

function readGrubenv(tree: VolumeTree, say: Say): Grubenv | null {
  if (findNode(tree, grubenvPath)?.kind !== 'file') {
    say('tmpfsroot-grubenv-missing', `There is no ${grubenvPath}.`)
    return null
  }
  const bytes = readSmallFile(tree, grubenvPath, maxGrubenvBytes)
  const { value, problem } = parseGrubenv(bytes ?? new Uint8Array())
  const wrong = problem ?? value?.problems[0]
  if (wrong) say('tmpfsroot-grubenv-damaged', `${grubenvPath}: ${wrong.detail}.`)
  return value
}

/** As GRUB takes it: next_entry once, then saved_entry, then the first entry. */
function judgeChoice(config: GrubConfig, grubenv: Grubenv | null, menu: BootMenu, say: Say): void {
  const first = rootOf(config.entries[0])
  const { savedEntry = null, nextEntry = null } = grubenv ?? {}
  const saved = savedEntry === null ? null : rootOf(grubEntryNamed(config, savedEntry))
  menu.saved = saved ?? first
  if (savedEntry !== null && saved === null) {
    say('tmpfsroot-grubenv-entry', `${grubenvPath} has saved_entry=${savedEntry.slice(0, 80)}, and the entries are 0 and 1.`)
  }
  if (nextEntry === null) return
  menu.next = rootOf(grubEntryNamed(config, nextEntry))
  const leads = menu.next ? `which is ${rootTitle(menu.next)}` : 'which is no entry of the menu'
  say(
    'tmpfsroot-trial-pending',
    `${grubenvPath} has next_entry=${nextEntry.slice(0, 80)}, ${leads}; saved is ${savedEntry ?? 'nothing'}.`,
  )
}
