import { createFatFile } from '../../volumes/fat-create.ts'
import { exchangeFatFile } from '../../volumes/fat-exchange.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import type { Seen } from './draft-look.ts'
import { menuPaths } from './layout.ts'
import type { MenuTargets } from './menu-edit.ts'
import { menuTexts } from './menu-mend.ts'

/** Writes the boot menu that cards of this family have, where there is none that starts anything. */
export function makeMenus(seen: Seen, boot: CardVolume, draft: ChangeDraft, context: ChangeContext, targets: MenuTargets): void {
  if (!seen.description.findings.some(({ id }) => id === 'boot-menu-missing')) return
  const text = menuOf(seen, targets)
  const part = draft.part(boot.startBytes, boot.device.size)
  const there = menuTexts(draft, boot)
  const paths = seen.layout.id === 'lampone' ? menuPaths.slice(0, 1) : menuPaths
  const made: string[] = []
  for (const path of text === null ? [] : paths) {
    const bytes = Buffer.from(text ?? '')
    if (there.has(path)) {
      const { value: exchange } = exchangeFatFile(part, path, () => draft.endGroup())
      if (!exchange || exchange.room.size < bytes.length) continue
      exchange.room.writeSync(bytes, 0)
      exchange.take(bytes.length)
      exchange.release()
    } else {
      const cut = path.lastIndexOf('/')
      const file = { folder: path.slice(0, cut), name: path.slice(cut + 1), bytes, modifiedSeconds: context.seconds }
      if (createFatFile(part, file, () => draft.endGroup()).problem) continue
    }
    made.push(path)
  }
  draft.endGroup()
  if (made.length === 0) {
    draft.notes.push(
      'There is nothing to make a boot menu from: the system and its kernel, or the folder for the menu, are missing.',
    )
    return
  }
  draft.steps.push(`Partition ${boot.number}: write ${made.join(' and ')}, the boot menu, anew.`)
  draft.notes.push(
    'The boot menu is the usual one of such cards. What somebody may have added to the one that was there is not in it.',
  )
}

/** As the installers write it (lamponepi.installer, pi-boot/efi/boot/grub.cfg); null where a partition that it leads to is not known. */
function menuOf({ layout, persistence }: Seen, targets: MenuTargets): string | null {
  const { systemUuid, kernelUuid, systemNumber, kernelNumber } = targets
  if (systemUuid === null || kernelUuid === null || systemNumber === null || kernelNumber === null) return null
  const table = layout.id === 'lampone' ? 'msdos' : 'gpt'
  const luks = persistence?.state === 'encrypted' ? ' persistence-encryption=luks' : ''
  const live = `initrd=/live/initrd.img fromiso=${systemUuid} boot=live live-noconfig live-config.nocomponents ip=frommedia persistence${luks} noprompt noeject quiet`
  const entry = (title: string, uuid: string, number: number, more: string) => `menuentry '${title}' --unrestricted {
	search --no-floppy --set=root --hint=hd0,${table}${number} --fs-uuid ${uuid}
	linux /live/vmlinuz ${live}${more}
	initrd /live/initrd.img
}
`
  const repair = layout.generation.includes('specification') ? ' liveng-fallback' : ' kernel-partition-restore'
  const entries = [entry('Standard boot', kernelUuid, kernelNumber, ''), entry('System Repair', systemUuid, systemNumber, repair)]
  return `set timeout=3\nset default=0\nset fallback=1\n\ninsmod part_${table}\ninsmod iso9660\n\n${entries.join('')}`
}
