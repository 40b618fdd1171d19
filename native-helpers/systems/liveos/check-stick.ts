import type { Finding } from '../../contract-report.ts'
import { found } from '../finding.ts'
import type { Card } from '../system.ts'
import type { LiveSystem } from './detect.ts'
import { liveosFindings } from './findings.ts'
import type { Menus } from './menus.ts'

/** GPT attribute bit 2: firmware without UEFI starts from it (gptmbr.bin of syslinux). */
const legacyBootable = 1n << 2n

/** Whether a computer finds anything to start from. Of a folder only its own filesystem is seen, so nothing is said about what may lie beside it. */
export function checkStick(card: Card, { form, folders }: LiveSystem, { files }: Menus): Finding[] {
  const main = folders.find(({ image }) => image !== null)
  if (form !== 'stick' || !main) return []
  const { partition } = main.place
  if (files.length === 0) return [found(liveosFindings, 'liveos-menu-missing', 'Neither of syslinux nor of GRUB.', partition)]
  const hasSyslinux = files.some(({ kind }) => kind === 'syslinux')
  const isMarked = card.volumes.some(({ active, attributes }) => active === true || ((attributes ?? 0n) & legacyBootable) !== 0n)
  if (!hasSyslinux || isMarked || card.table.type === 'none') return []
  return [found(liveosFindings, 'liveos-not-active', `Its table is of the kind ${card.table.type.toUpperCase()}.`, partition)]
}
