import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { grubEntryNamed, parseGrubCfg } from '../../native-helpers/volumes/boot-config/grub-cfg.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { findNode, readSmallFile, type VolumeTree } from '../../native-helpers/volumes/tree.ts'
import type { CardPlace, LamponeCard } from './lampone.ts'

/** Of the two files that a start needs, by their content; null where one is missing or outside of its volume. */
export type StartFiles = string | null

function sumOf(tree: VolumeTree, path: string): string | null {
  const bytes = readSmallFile(tree, path, 64 * 1024 * 1024)
  return bytes && createHash('sha256').update(bytes).digest('hex')
}

export function startFilesOf(device: BlockDevice, { startBytes, sizeBytes }: CardPlace): StartFiles {
  const { value: iso } = openIso9660(slice(device, startBytes, sizeBytes))
  const sums = iso && ['live/vmlinuz', 'live/initrd.img'].map((path) => sumOf(iso, path))
  return sums?.every((sum) => sum !== null) ? sums.join() : null
}

export interface Start {
  /** Which entry of the menu came to something, the first one or the one that is tried next; null where neither did. */
  by: 'default' | 'fallback' | null
  files: StartFiles
}

/** What GRUB would start: the entry of the menu, the first partition with the UUID that it looks for, and the files there; else the fallback. */
export function startOf(device: BlockDevice, card: LamponeCard, menu: string): Start {
  const { value: boot } = openFat(slice(device, card.boot.startBytes, card.boot.sizeBytes))
  const bytes = boot && readSmallFile(boot, menu, 64 * 1024)
  if (!bytes) return { by: null, files: null }
  const config = parseGrubCfg(Buffer.from(bytes).toString())
  for (const by of ['default', 'fallback'] as const) {
    const name = by === 'default' ? (config.defaultEntry ?? '0') : config.fallbacks[0]
    const entry = name === undefined ? null : grubEntryNamed(config, name)
    const uuid = entry?.searches.findLast(({ by: kind }) => kind === 'uuid')?.value
    for (const place of [card.kernel, card.system].sort((a, b) => a.number - b.number)) {
      const { value: iso } = openIso9660(slice(device, place.startBytes, place.sizeBytes))
      if (!iso || iso.uuid !== uuid || findNode(iso, 'live') === null) continue
      const files = startFilesOf(device, place)
      if (files !== null) return { by, files }
      break
    }
  }
  return { by: null, files: null }
}
