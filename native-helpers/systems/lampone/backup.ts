import { slice } from '../../block/slice.ts'
import { openIso9660 } from '../../volumes/iso9660.ts'
import type { Parsed } from '../../volumes/problem.ts'
import { childNamed, findNode, type TreeNode } from '../../volumes/tree.ts'
import { kernelFolder } from '../archive/manifest.ts'
import { type Backup, type Backups, type KernelBackup, type MountedRoot, membersAsMounted, rootAsMounted } from '../backup.ts'
import { originOf, wholeVolume } from '../backup-volume.ts'
import type { CardVolume } from '../system.ts'
import { type Layout, menuPaths } from './layout.ts'
import { valueOr } from './tolerant.ts'

const upperName = 'rw'
const whole = {
  what: 'persistence',
  title: 'The whole partition of your changes',
  note: 'Also what overlayfs keeps beside the changes, and what else you put there.',
  isDefault: true,
}
const encryptedNote = 'It is saved as it is, encrypted and with all its free room: its files cannot be seen without the passphrase.'
const imagePath = `${kernelFolder}/kernel.iso`

/** The changes, all of the partition they lie in, and the kernel that they fit. */
export async function backupsOfLampone({ roles }: Layout): Promise<Backups> {
  const persistence = roles.get('persistence')
  const kernel = roles.get('kernel')
  return {
    parts: persistence ? partsOf(persistence) : [],
    kernel: kernel ? await valueOr(null, () => kernelOf(kernel, roles.get('boot') ?? null)) : null,
  }
}

function partsOf(volume: CardVolume): Backup[] {
  const isEncrypted = volume.identity?.type === 'crypto_LUKS'
  if (isEncrypted) return [wholeVolume(volume, { ...whole, title: 'The encrypted partition of your changes', note: encryptedNote })]
  const mounted = rootAsMounted(volume.device)
  const upper = upperOf(mounted)
  return [
    {
      what: 'rw',
      title: 'Your changes',
      note: 'Everything that differs from the system as it was installed, with the marks for what was deleted.',
      form: 'upper',
      isDefault: true,
      problem: upper.problem?.detail ?? null,
      origin: originOf(volume, upperName),
      *members() {
        if (mounted.value && upper.value) yield* membersAsMounted(mounted.value, upper.value)
      },
    },
    wholeVolume(volume, { ...whole, isDefault: false }),
  ]
}

function upperOf({ value: mounted, problem }: Parsed<MountedRoot>): Parsed<TreeNode> {
  if (!mounted) return { value: null, problem }
  const { root } = mounted
  const upper = childNamed({ root, foldsCase: false }, root, upperName)
  if (upper?.kind === 'directory') return { value: upper, problem: null }
  return {
    value: null,
    problem: { code: 'backup-nothing', detail: `there is no folder "${upperName}": the system was never started` },
  }
}

async function kernelOf(volume: CardVolume, boot: CardVolume | null): Promise<KernelBackup | null> {
  const { value: iso } = openIso9660(volume.device)
  if (!iso) return null
  const device = slice(volume.device, 0, Math.min(iso.sizeBytes, volume.device.size))
  const files = [{ path: imagePath, device }]
  const tree = boot && (await boot.tree()).value
  for (const path of tree ? menuPaths : []) {
    const menu = tree && findNode(tree, path)?.open().value
    if (menu) files.push({ path: `${kernelFolder}/${path}`, device: menu })
  }
  return {
    facts: {
      partition: volume.number,
      image: imagePath,
      uuid: iso.uuid,
      volumeId: iso.volumeId,
      menus: files.slice(1).map(({ path }) => path),
    },
    files,
  }
}
