import type { BlockDevice } from '../block/device.ts'
import { joined } from '../block/ranges.ts'
import { type ExtRun, extMaps } from '../volumes/ext-maps.ts'
import type { ChangeDraft } from './change.ts'

/**
 * Ends a group that changed an ext volume, which lies on the card in one piece from `startBytes` on: first folders and what files hold, then the maps of what
 * belongs to whom, then the superblock. A file whose name is gone may lose its blocks, and until then nobody else may be given them; room that a volume is
 * to get is described before the volume says that it has it.
 */
export function endInExtOrder(draft: ChangeDraft, device: BlockDevice, startBytes: number): void {
  const { value: maps } = extMaps(device)
  const onCard = ({ start, end }: ExtRun) => ({ offset: startBytes + start, lengthBytes: end - start })
  draft.endGroup(joined((maps?.runs ?? []).map(onCard)), maps ? [onCard(maps.superblock)] : [])
}
