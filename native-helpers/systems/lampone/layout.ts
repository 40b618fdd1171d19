import { openIso9660 } from '../../volumes/iso9660.ts'
import { findNode } from '../../volumes/tree.ts'
import { textOf } from '../linux-root.ts'
import type { Card, CardVolume } from '../system.ts'
import { squashfsPath } from './iso-part.ts'
import { valueOr } from './tolerant.ts'

export type Role = 'boot' | 'system' | 'kernel' | 'persistence'

/** Who has which number, by its installer: Lampone Pi's, and those of liveng's specification, Resilient Linux and Secure-K. */
const numbers: Record<'lampone' | 'liveng', Record<Role, number>> = {
  lampone: { boot: 1, system: 2, kernel: 3, persistence: 4 },
  liveng: { system: 1, kernel: 2, boot: 3, persistence: 4 },
}
/** The names of the ISO volumes. */
const volumeIds = {
  system: ['SK-SYSTEM1', 'LIVENG_SYSTEM'],
  kernel: ['SK-SYSTEM2', 'LIVENG_SYSTEM2'],
}
/** Bit 62 of a GPT entry, which the installers of Resilient Linux and Secure-K set. */
const hiddenAttribute = 1n << 62n
const bootLabel = 'UEFI Boot'
export const persistenceLabel = 'persistence'
/** In the order in which they are told. The second one is what GRUB for BIOS reads. */
export const menuPaths = ['efi/boot/grub.cfg', 'boot/grub/grub.cfg']
export const maxMenuBytes = 256 * 1024

/** How much has to be seen before a card is taken for one: a label alone is never enough. */
const enoughEvidence = 3

export interface Layout {
  id: 'lampone' | 'liveng'
  name: string
  generation: string
  evidence: string[]
  roles: ReadonlyMap<Role, CardVolume>
}

/** Whether a card has the four partitions of this family, also where one or two of them are damaged; null where it has too little of it. */
export async function findLayout(card: Card): Promise<Layout | null> {
  if (card.table.type === 'none') return null
  const id = card.table.type === 'mbr' ? 'lampone' : 'liveng'
  const volumes = card.volumes.filter(({ number }) => number > 0)
  const roles = new Map<Role, CardVolume>()
  const evidence: string[] = []

  const isos: { volume: CardVolume; volumeId: string }[] = []
  for (const volume of volumes) {
    const volumeId = await valueOr(null, () => volumeIdOf(volume))
    if (volumeId !== null) isos.push({ volume, volumeId })
  }
  for (const role of ['system', 'kernel'] as const) {
    const named = isos.find(({ volumeId }) => volumeIds[role].includes(volumeId))
    if (!named) continue
    roles.set(role, named.volume)
    evidence.push(`partition ${named.volume.number} is an ISO 9660 volume named ${named.volumeId}`)
  }
  const hasIso = evidence.length > 0
  const isSpecification = isos.some(({ volumeId }) => volumeId.startsWith('LIVENG'))
  const system = roles.get('system')
  if (system && (await valueOr(false, () => holdsImage(system)))) evidence.push('it holds live/filesystem.squashfs')
  if (system && ((system.attributes ?? 0n) & hiddenAttribute) !== 0n) evidence.push(`partition ${system.number} is hidden`)
  const startsIso = await findBoot(volumes, roles, evidence)
  if (!hasIso && !startsIso) return null
  findPersistence(volumes, roles, evidence)
  if (evidence.length < enoughEvidence) return null

  const taken = new Set([...roles.values()].map(({ number }) => number))
  for (const [role, number] of Object.entries(numbers[id]) as [Role, number][]) {
    const volume = volumes.find((one) => one.number === number)
    if (!roles.has(role) && volume && !taken.has(number)) roles.set(role, volume)
  }
  return { id, ...nameOf(id, isSpecification || !hasIso), evidence, roles }
}

function nameOf(id: Layout['id'], isGeneral: boolean): { name: string; generation: string } {
  if (id === 'lampone') return { name: 'Lampone Pi', generation: 'MBR, boot partition first' }
  if (isGeneral) return { name: 'liveng system', generation: 'GPT, specification of 2019' }
  return { name: 'Resilient Linux or Secure-K', generation: 'GPT, system partition first' }
}

function holdsImage(system: CardVolume): boolean {
  const { value: iso } = openIso9660(system.device)
  return iso !== null && findNode(iso, squashfsPath) !== null
}

/** What the primary descriptor says; blkid's label may be the one of a Joliet tree. */
function volumeIdOf(volume: CardVolume): string | null {
  return volume.identity?.type === 'iso9660' ? (openIso9660(volume.device).value?.volumeId ?? null) : null
}

/** True where its menu starts a live system from an ISO partition, which no other family's does. */
async function findBoot(volumes: readonly CardVolume[], roles: Map<Role, CardVolume>, evidence: string[]): Promise<boolean> {
  for (const volume of volumes.filter(({ identity }) => identity?.type === 'vfat')) {
    const named = volume.identity?.label?.toLowerCase() === bootLabel.toLowerCase()
    const menu = (await menusOf(volume)).find(({ text }) => /\bboot=live\b/.test(text))
    if (!named && !menu) continue
    if (named) evidence.push(`partition ${volume.number} is a FAT volume named "${volume.identity?.label}"`)
    const startsIso = menu !== undefined && /\bfromiso=/.test(menu.text)
    if (menu) evidence.push(`its boot menu ${menu.path} starts a live system${startsIso ? ' from an ISO partition' : ''}`)
    roles.set('boot', volume)
    return startsIso
  }
  return false
}

function findPersistence(volumes: readonly CardVolume[], roles: Map<Role, CardVolume>, evidence: string[]): void {
  const named = volumes.find(isNamedPersistence)
  if (named) {
    roles.set('persistence', named)
    evidence.push(`partition ${named.number} is named "${persistenceLabel}"`)
    return
  }
  const fourth = volumes.find(({ number }) => number === numbers.lampone.persistence)
  if (!fourth || [...roles.values()].includes(fourth)) return
  if (fourth.identity?.type === 'crypto_LUKS') evidence.push(`partition ${fourth.number} is encrypted by LUKS`)
}

/** How live-boot finds it (live-boot's 9990-misc-helpers.sh): the partition's name in a GPT, or the label of its filesystem. */
export function isNamedPersistence(volume: CardVolume): boolean {
  return volume.partlabel === persistenceLabel || volume.identity?.label === persistenceLabel
}

export interface MenuFile {
  path: string
  text: string
}

/** The boot menus on the boot partition that can be read. */
export async function menusOf(boot: CardVolume): Promise<MenuFile[]> {
  const { value: tree } = await boot.tree()
  const menus: MenuFile[] = []
  for (const path of tree ? menuPaths : []) {
    const text = await valueOr(null, () => tree && textOf(tree, path, maxMenuBytes))
    if (text !== null) menus.push({ path, text })
  }
  return menus
}
