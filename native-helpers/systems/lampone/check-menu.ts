import type { Finding } from '../../contract-report.ts'
import { argumentValue } from '../../volumes/boot-config/entry.ts'
import { type GrubConfig, type GrubEntry, grubEntryNamed, parseGrubCfg } from '../../volumes/boot-config/grub-cfg.ts'
import { found } from '../finding.ts'
import type { CardVolume } from '../system.ts'
import { type LamponeFinding, lamponeFindings } from './findings.ts'
import type { IsoPart } from './iso-part.ts'
import { type MenuFile, menuPaths, menusOf } from './layout.ts'

/** Which partition the boot menu starts from by itself. */
export type Starting = 'system' | 'kernel' | 'neither' | null

export interface MenuSeen {
  /** Null where there is no menu, where it cannot be told, or where two menus say different things. */
  starting: Starting
  findings: Finding[]
  facts: { label: string; value: string }[]
}

export interface MenuPlaces {
  boot: CardVolume | null
  volumes: readonly CardVolume[]
  system: IsoPart | null
  kernel: IsoPart | null
}

/** Whether what the boot menus look for is on this card. The UUIDs stand in them as text, written by the installer. */
export async function checkMenus(places: MenuPlaces): Promise<MenuSeen> {
  const { boot } = places
  const nothing: MenuSeen = { starting: null, findings: [], facts: [] }
  if (!boot) {
    return { ...nothing, findings: [found(lamponeFindings, 'boot-missing', 'No partition holds a boot program or a boot menu.')] }
  }
  const add = (id: LamponeFinding, detail: string) => found(lamponeFindings, id, detail, boot.number)
  const { problem } = await boot.tree()
  if (problem) return { ...nothing, findings: [add('boot-missing', `Partition ${boot.number}: ${problem.detail}.`)] }
  const menus = (await menusOf(boot)).map((file) => lookAtMenu(file, places))
  if (menus.every(({ config }) => config.entries.length === 0)) {
    const detail =
      menus.length === 0
        ? `Partition ${boot.number} has neither ${menuPaths.join(' nor ')}.`
        : `${menus.map(({ path }) => path).join(' and ')} on partition ${boot.number} names nothing to start.`
    return { ...nothing, findings: [add('boot-menu-missing', detail)] }
  }
  const starting = menus.map((menu) => menu.starting)
  return {
    starting: starting.every((one) => one === starting[0]) ? (starting[0] ?? null) : null,
    findings: worstOf(menus.flatMap((menu) => menu.seen)).map(({ id, detail }) => add(id, detail)),
    facts: menus.flatMap(factsOf),
  }
}

interface Seen {
  id: LamponeFinding
  detail: string
}

interface Menu extends MenuFile {
  config: GrubConfig
  first: GrubEntry | null
  starting: Starting
  seen: Seen[]
}

function lookAtMenu(file: MenuFile, { volumes, system, kernel }: MenuPlaces): Menu {
  const config = parseGrubCfg(file.text)
  const isSaved = config.readsSavedEntry || config.readsNextEntry
  const first = isSaved ? null : (config.defaultEntry && grubEntryNamed(config, config.defaultEntry)) || (config.entries[0] ?? null)
  const placeOf = (entry: GrubEntry): Starting => {
    const uuid = uuidOf(entry)
    if (uuid === null) return null
    const [isSystem, isKernel] = [system?.iso.uuid === uuid, kernel?.iso.uuid === uuid]
    if (isSystem && isKernel) return null
    return isSystem ? 'system' : isKernel ? 'kernel' : 'neither'
  }
  const seen: Seen[] = []
  const there = new Set(
    [system?.iso.uuid, kernel?.iso.uuid, ...volumes.map(({ identity }) => identity?.uuid)].map((uuid) => uuid?.toLowerCase()),
  )
  for (const entry of config.entries) {
    const uuid = uuidOf(entry)
    // Where one of the two partitions cannot be read, that is the finding.
    if (!uuid || !system || !kernel || there.has(uuid.toLowerCase())) continue
    const detail = `${file.path}: the entry "${entry.title}" looks for ${uuid}; the system is ${system.iso.uuid}, the kernel partition ${kernel.iso.uuid}.`
    seen.push({ id: entry === first ? 'boot-menu-lost' : 'boot-menu-entry-lost', detail })
  }
  const { fallbacks } = config
  if (fallbacks.length > 0 && fallbacks.every((name) => grubEntryNamed(config, name) === null)) {
    const detail = `${file.path}: fallback is ${fallbacks.join(' ')}, and there are ${config.entries.length} entries, counted from 0.`
    seen.push({ id: 'boot-menu-fallback', detail })
  }
  const named = first && argumentValue(first.arguments, 'fromiso')
  if (named && system?.iso.uuid && !named.includes(system.iso.uuid)) {
    const detail = `${file.path}: the entry "${first.title}" says fromiso=${named}; the system partition is ${system.iso.uuid}.`
    seen.push({ id: 'boot-menu-system-unknown', detail })
  }
  return { ...file, config, first, starting: first && placeOf(first), seen }
}

function uuidOf(entry: GrubEntry): string | null {
  return entry.searches.findLast(({ by }) => by === 'uuid')?.value ?? null
}

/** Each kind once: both menus of a card for PCs are written by the same installer. */
function worstOf(seen: readonly Seen[]): Seen[] {
  return seen.filter(({ id }, at) => seen.findIndex((other) => other.id === id) === at)
}

function factsOf({ path, first, config }: Menu): { label: string; value: string }[] {
  if (!first) return []
  const uuid = uuidOf(first)
  const others = config.entries.filter((entry) => entry !== first).map(({ title }) => `"${title}"`)
  const value = `"${first.title}"${uuid ? ` from ${uuid}` : ''}${others.length > 0 ? `; also ${others.join(', ')}` : ''}`
  return [{ label: `Starts by itself (${path})`, value }]
}
