import { readExtFacts } from '../../volumes/ext-facts.ts'
import { attempt } from '../attempt.ts'
import type { Card, CardVolume } from '../system.ts'

export type RootId = 'a' | 'b'
export const rootIds: readonly RootId[] = ['a', 'b']

/** Constants of the project (seqsense/tmpfsroot-fedora, ks.tpl.cfg): every card has the same ones. */
export const rootUuids: Record<RootId, string> = {
  a: '64eb4db5-3385-46a5-a3d5-c48197a53555',
  b: 'd2ada949-7fff-4257-91e9-793b25b0df02',
}
export const persistUuid = 'ff9691f9-7c97-4411-8f44-12685ee4a003'
export const logUuid = 'ff9691f9-7c97-4411-8f44-12685ee4a006'
/** save-grub-rootfs.sh finds the partition of the boot menu by this name. */
export const espName = 'EFI System Partition'
const espType = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
export const btrfsLabels = ['var_lib_docker', 'var_cache', 'opt'] as const

export interface TmpfsLayout {
  roots: Record<RootId, CardVolume[]>
  persist: CardVolume[]
  log: CardVolume[]
  esp: CardVolume | null
  /** How many partitions have the name that is searched for; the script takes only one. */
  espNames: number
  btrfs: Record<(typeof btrfsLabels)[number], CardVolume | null>
}

/** Two of the four ext4 volumes by their constant UUIDs, one of them a root. */
export async function layoutOf(card: Card): Promise<TmpfsLayout | null> {
  if (card.table.type !== 'gpt') return null
  const uuids = new Map<CardVolume, string | null>()
  for (const volume of card.volumes) uuids.set(volume, (await attempt(() => extUuid(volume))).value)
  const withUuid = (uuid: string): CardVolume[] => card.volumes.filter((volume) => uuids.get(volume) === uuid)
  const roots = { a: withUuid(rootUuids.a), b: withUuid(rootUuids.b) }
  const persist = withUuid(persistUuid)
  const log = withUuid(logUuid)
  const seen = [roots.a, roots.b, persist, log].filter((volumes) => volumes.length > 0).length
  if (seen < 2 || (roots.a.length === 0 && roots.b.length === 0)) return null
  const named = card.volumes.filter(({ partlabel }) => partlabel === espName)
  const esp = named[0] ?? card.volumes.find(({ type, identity }) => type === espType && identity?.type === 'vfat') ?? null
  const labelled = (label: string) =>
    card.volumes.find(({ identity }) => identity?.type === 'btrfs' && identity.label === label) ?? null
  return {
    ...{ roots, persist, log, esp, espNames: named.length },
    btrfs: { var_lib_docker: labelled('var_lib_docker'), var_cache: labelled('var_cache'), opt: labelled('opt') },
  }
}

function extUuid({ identity, device }: CardVolume): string | null {
  if (identity) return identity.type.startsWith('ext') ? identity.uuid : null
  // A volume that also carries other marks has no identity, and is mounted by its UUID all the same.
  return readExtFacts(device).value?.uuid ?? null
}

export function rootTitle(id: RootId): string {
  return `Root ${id.toUpperCase()}`
}

/** The only one with its UUID; with two of them it is open which one is taken. */
export function only(volumes: readonly CardVolume[]): CardVolume | null {
  return volumes.length === 1 ? (volumes[0] ?? null) : null
}
