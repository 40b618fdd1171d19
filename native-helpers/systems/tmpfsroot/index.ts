import { findNode } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import type { CardVolume, System } from '../system.ts'
import { backupsOfTmpfsroot } from './backup.ts'
import { menuPath } from './boot-menu.ts'
import { describeTmpfsroot } from './describe.ts'
import { btrfsLabels, layoutOf, logUuid, persistUuid, rootIds, rootTitle, rootUuids, type TmpfsLayout } from './layout.ts'

/** Disks of seqsense/tmpfsroot-fedora: two roots that are copied into memory, and volumes that are kept. */
export const tmpfsroot: System = {
  async detect(card) {
    const layout = await layoutOf(card)
    if (!layout) return null
    return {
      id: 'tmpfsroot',
      name: 'tmpfsroot-fedora',
      generation: null,
      evidence: await evidenceOf(layout),
      roles: rolesOf(layout),
      describe: () => describeTmpfsroot(card, layout),
      backups: async () => backupsOfTmpfsroot(layout),
    }
  },
}

async function evidenceOf({ roots, persist, log, esp, btrfs }: TmpfsLayout): Promise<string[]> {
  const evidence: string[] = []
  for (const id of rootIds) if (roots[id].length > 0) evidence.push(`the UUID of ${rootTitle(id)}, ${rootUuids[id]}`)
  if (persist.length > 0) evidence.push(`the UUID of the kept settings, ${persistUuid}`)
  if (log.length > 0) evidence.push(`the UUID of the log, ${logUuid}`)
  const labels = btrfsLabels.filter((label) => btrfs[label])
  if (labels.length > 0) evidence.push(`btrfs volumes labelled ${labels.join(', ')}`)
  const { value: tree } = esp?.identity?.type === 'vfat' ? await esp.tree() : { value: null }
  const { value: menu } = await attempt(() => tree && findNode(tree, menuPath))
  if (menu) evidence.push(`${menuPath} on the EFI partition`)
  return evidence
}

function rolesOf({ roots, persist, log, esp, btrfs }: TmpfsLayout): Map<number, string> {
  const named: [readonly (CardVolume | null)[], string][] = [
    [[esp], 'boot menu'],
    [roots.a, 'root a'],
    [roots.b, 'root b'],
    [persist, 'kept settings'],
    [log, 'log'],
    [[btrfs.var_lib_docker], 'containers'],
    [[btrfs.var_cache], 'cache'],
    [[btrfs.opt], 'applications'],
  ]
  return new Map(named.flatMap(([volumes, role]) => volumes.flatMap((volume) => (volume ? [[volume.number, role] as const] : []))))
}
