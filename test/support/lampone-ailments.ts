import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import type { lamponeFindings } from '../../native-helpers/systems/lampone/findings.ts'
import type { LamponeCard, LamponeLayout, LamponeOptions } from './lampone.ts'
import { changeMenus, changeTable, debugfs, deleteMenus, overwrite, placeOfFile, writePersistent } from './lampone-damage.ts'
import { lamponeTools } from './lampone-parts.ts'
import { missingTools, tool } from './tools.ts'

const MiB = 1024 * 1024

/** Why cards of this family cannot be made and damaged here, or null. */
export function cannotAil(): string | null {
  const notRoot = process.getuid?.() === 0 ? null : 'deleted files are devices, which only root makes'
  return missingTools(...lamponeTools, 'debugfs', 'openssl', 'mtype', 'mdel', 'mkfs.btrfs') ?? notRoot
}

export interface Ailment {
  /** What was done to the card, in words. */
  name: string
  options?: Partial<LamponeOptions>
  /** Lampone Pi's alone where nothing is said. */
  layouts?: LamponeLayout[]
  change?: (card: LamponeCard) => void
  /** Everything that is found, in any order. */
  ids: (keyof typeof lamponeFindings)[]
}

const zeros = (length: number) => new Uint8Array(length)

const ofTable: Ailment[] = [
  {
    name: 'the persistence has the number 5',
    layouts: ['liveng'],
    change: (card) => changeTable(card, (lines) => lines.map((line) => line.replace(/^4 :/, '5 :'))),
    ids: ['persistence-not-fourth'],
  },
  {
    name: 'a partition was made behind the persistence',
    layouts: ['resilient'],
    options: { tailMiB: 8 },
    change: (card) => changeTable(card, (lines) => [...lines.filter((line) => !line.startsWith('last-lba')), 'size=4MiB']),
    ids: ['persistence-not-last'],
  },
  {
    name: 'the boot partition is not the first',
    change: (card) =>
      changeTable(card, (lines) => lines.map((line) => line.replace(/^[12] :/, (start) => (start === '1 :' ? '2 :' : '1 :')))),
    ids: ['boot-not-first'],
  },
  { name: 'the boot partition is not active', change: ({ path }) => overwrite(path, 446, zeros(1)), ids: ['boot-not-active'] },
  {
    name: 'the boot partition has the type of a Linux partition',
    layouts: ['lampone', 'liveng'],
    change: (card) =>
      changeTable(card, (lines) =>
        lines.map((line) =>
          line
            .replace(/type=c,/, 'type=83,')
            .replace('C12A7328-F81F-11D2-BA4B-00A0C93EC93B', '0FC63DAF-8483-4772-8E79-3D69D8477DE4'),
        ),
      ),
    ids: ['boot-type'],
  },
  {
    name: 'the boot partition is destroyed',
    change: ({ path, boot }) => overwrite(path, boot.startBytes, zeros(MiB)),
    ids: ['boot-missing'],
  },
]

const ofMenu: Ailment[] = [
  { name: 'the boot menu is deleted', layouts: ['lampone', 'liveng'], change: deleteMenus, ids: ['boot-menu-missing'] },
  { name: 'the boot menu is empty', change: (card) => changeMenus(card, () => 'set timeout=3\n'), ids: ['boot-menu-missing'] },
  {
    name: 'the usual entry looks for a UUID that is nowhere',
    layouts: ['lampone', 'resilient'],
    change: (card) => changeMenus(card, (text) => text.replace(`--fs-uuid ${card.kernelUuid}`, '--fs-uuid 2019-01-01-00-00-00-00')),
    ids: ['boot-menu-lost'],
  },
  {
    name: 'the repair entry looks for a UUID that is nowhere',
    change: (card) => changeMenus(card, (text) => text.replace(`--fs-uuid ${card.systemUuid}`, '--fs-uuid 2019-01-01-00-00-00-00')),
    ids: ['boot-menu-entry-lost'],
  },
  { name: 'fallback points at an entry that was removed', options: { fallback: 2 }, ids: ['boot-menu-fallback'] },
  { name: 'fallback points at the third of three entries', layouts: ['resilient'], options: { fallback: 2 }, ids: [] },
  {
    name: 'the system is looked for under another UUID',
    change: (card) => changeMenus(card, (text) => text.replaceAll(/fromiso=\S+/g, 'fromiso=2019-01-01-00-00-00-00')),
    ids: ['boot-menu-system-unknown'],
  },
  {
    name: 'both ISO partitions were written in the same second',
    layouts: ['lampone', 'liveng'],
    options: { dates: { system: '2020061412301100', kernel: '2020061412301100' } },
    ids: ['iso-uuids-equal'],
  },
]

const ofSystem: Ailment[] = [
  {
    name: 'the beginning of the system partition is destroyed',
    change: ({ path, system }) => overwrite(path, system.startBytes, zeros(64 * 1024)),
    ids: ['system-partition-unreadable'],
  },
  {
    name: 'the kernel of the system partition is overwritten',
    change: ({ path, system }) => overwrite(path, placeOfFile(path, system, 'live/vmlinuz').offset, zeros(64 * 1024)),
    ids: ['spare-kernel-damaged'],
  },
  {
    name: 'the ISO of the system goes on behind its partition, with nothing but filling',
    change: ({ path, system }) => {
      const blocks = Buffer.alloc(4)
      blocks.writeUInt32LE(system.sizeBytes / 2048 + 100)
      overwrite(path, system.startBytes + 16 * 2048 + 80, blocks)
    },
    ids: ['system-larger-than-partition'],
  },
  {
    name: 'the system partition ends within the compressed system',
    change: (card) => changeTable(card, (lines) => shortened(lines, card)),
    ids: ['spare-kernel-damaged', 'system-image-damaged'],
  },
  {
    name: 'the beginning of the compressed system is overwritten',
    layouts: ['lampone', 'resilient'],
    change: ({ path, system }) => overwrite(path, placeOfFile(path, system, 'live/filesystem.squashfs').offset, zeros(4096)),
    ids: ['system-image-damaged'],
  },
  {
    name: 'the compressed system says that it is longer than its file',
    change: ({ path, system }) =>
      overwrite(path, placeOfFile(path, system, 'live/filesystem.squashfs').offset + 42, Buffer.from([0xff])),
    ids: ['system-image-damaged'],
  },
  {
    name: 'the kernel partition is destroyed',
    layouts: ['lampone', 'liveng'],
    change: ({ path, kernel }) => overwrite(path, kernel.startBytes, zeros(MiB)),
    ids: ['kernel-partition-unreadable'],
  },
  {
    name: 'both ISO partitions are destroyed',
    layouts: ['lampone', 'liveng'],
    change: ({ path, system, kernel }) => {
      for (const { startBytes } of [system, kernel]) overwrite(path, startBytes, zeros(MiB))
    },
    ids: ['kernel-partition-unreadable', 'system-partition-unreadable'],
  },
  {
    name: 'the rewrite of the kernel partition stopped within the initrd',
    options: { upgraded: true },
    change: ({ path, kernel }) => {
      const { offset, sizeBytes } = placeOfFile(path, kernel, 'live/initrd.img')
      overwrite(path, offset + Math.floor(sizeBytes / 2), Buffer.alloc(Math.ceil(sizeBytes / 2), 'old'))
    },
    ids: ['kernel-partition-incomplete', 'kernel-updated'],
  },
  {
    name: 'the kernel of the kernel partition is overwritten',
    change: ({ path, kernel }) => overwrite(path, placeOfFile(path, kernel, 'live/vmlinuz').offset, zeros(64 * 1024)),
    ids: ['kernel-partition-incomplete'],
  },
  {
    name: 'the rewrite of the kernel partition stopped within the kernel',
    options: { upgraded: true },
    change: ({ path, kernel }) => {
      const { offset, sizeBytes } = placeOfFile(path, kernel, 'live/vmlinuz')
      overwrite(path, offset + sizeBytes - 3000, Buffer.alloc(3000, 'old'))
    },
    ids: ['kernel-partition-incomplete', 'kernel-updated'],
  },
  {
    name: 'the kernel partition could not be written when the kernel was updated',
    change: (card) => {
      debugfs(card, 'mkdir rw/boot', 'cd rw/boot')
      writePersistent(card, 'vmlinuz-5.10.0-1-arm64', 'a newer kernel', 'rw/boot')
    },
    ids: ['kernel-partition-stale'],
  },
  {
    name: 'the same kernel was built anew and is not in the kernel partition',
    options: { upgraded: true },
    change: (card) => {
      debugfs(card, 'rm rw/boot/vmlinuz-5.6.0-0.bpo.2-arm64')
      writePersistent(card, 'vmlinuz-5.6.0-0.bpo.2-arm64', Buffer.alloc(64 * 1024, 'new'), 'rw/boot')
    },
    ids: ['kernel-partition-stale', 'kernel-updated'],
  },
  { name: 'the kernel was updated', layouts: ['lampone', 'liveng'], options: { upgraded: true }, ids: ['kernel-updated'] },
  {
    name: 'the changes were deleted after a kernel update',
    layouts: ['lampone', 'liveng'],
    options: { upgraded: true, changes: 'empty' },
    ids: ['kernel-without-modules'],
  },
  {
    name: 'the shipped kernel was removed after a kernel update',
    options: { upgraded: true },
    change: (card) => debugfs(card, 'cd rw/lib/modules', 'mknod 5.5.0-0.bpo.2-arm64 c 0 0'),
    ids: ['kernel-updated', 'spare-kernel-without-modules'],
  },
]

const ofPersistence: Ailment[] = [
  {
    name: 'the entry of the persistence is gone from the table',
    change: (card) => changeTable(card, (lines) => lines.filter((line) => !line.startsWith('4 :'))),
    ids: ['persistence-missing'],
  },
  {
    name: 'the superblock of the persistence is destroyed',
    layouts: ['lampone', 'liveng'],
    change: ({ path, persistence }) => overwrite(path, persistence.startBytes, zeros(4096)),
    ids: ['persistence-damaged'],
  },
  {
    name: 'the beginning of the persistence is destroyed, copies included',
    change: ({ path, persistence }) => overwrite(path, persistence.startBytes, zeros(40 * MiB)),
    ids: ['persistence-damaged'],
  },
  {
    name: 'the card was copied to a smaller one',
    layouts: ['lampone', 'liveng'],
    change: ({ path, persistence }) => truncateSync(path, persistence.startBytes + persistence.sizeBytes - 16 * MiB),
    ids: ['persistence-cut-off'],
  },
  {
    name: 'Windows has formatted the persistence',
    change: (card) => formatted(card, 'mkfs.vfat', ['-n', 'NEW']),
    ids: ['persistence-damaged'],
  },
  {
    name: 'the persistence is of another kind',
    options: { persistenceMiB: 128 },
    change: (card) => formatted(card, 'mkfs.btrfs', ['-q', '-L', 'persistence']),
    ids: ['persistence-other-kind'],
  },
  { name: 'the persistence has another name', change: (card) => debugfs(card, 'ssv volume_name mine'), ids: ['persistence-label'] },
  {
    name: 'a second partition is named for changes',
    layouts: ['liveng'],
    options: { tailMiB: 8 },
    change: (card) =>
      changeTable(card, (lines) => [...lines.filter((line) => !line.startsWith('last-lba')), 'size=4MiB, name="persistence"']),
    ids: ['persistence-not-last', 'persistence-twice'],
  },
  {
    name: 'persistence.conf is deleted',
    change: (card) => debugfs(card, 'rm persistence.conf'),
    ids: ['persistence-conf-missing'],
  },
  {
    name: 'persistence.conf keeps only the home folders',
    change: (card) => {
      debugfs(card, 'rm persistence.conf')
      writePersistent(card, 'persistence.conf', '# only these\n/home bind\n')
    },
    ids: ['persistence-conf-partial'],
  },
  {
    name: 'the room for changes is used to 84 %',
    change: (card) => writePersistent(card, 'large', Buffer.alloc(30 * MiB, 'fill')),
    ids: ['persistence-nearly-full'],
  },
  {
    name: 'only what is kept for the administrator is free',
    layouts: ['lampone', 'liveng'],
    change: (card) => writePersistent(card, 'large', Buffer.alloc(35.4 * MiB, 'fill')),
    ids: ['persistence-full'],
  },
  {
    name: 'there are as many files as there can be',
    options: { inodes: 64 },
    change: (card) => debugfs(card, ...Array.from({ length: 64 }, (_, at) => `mknod pipe${at} p`)),
    ids: ['persistence-full'],
  },
  { name: 'the persistence is encrypted', layouts: ['liveng'], options: { encrypted: true }, ids: ['persistence-encrypted'] },
  {
    name: 'both headers of the encrypted persistence are damaged',
    layouts: ['liveng'],
    options: { encrypted: true },
    change: ({ path, persistence }) => {
      for (const offset of [0x100, 0x4100]) overwrite(path, persistence.startBytes + offset, zeros(0x800))
    },
    ids: ['persistence-encryption-damaged'],
  },
  {
    name: 'the changes were written by aufs',
    change: (card) => debugfs(card, 'mknod .wh..wh.aufs p'),
    ids: ['changes-in-old-form'],
  },
  { name: 'the system has not been started yet', options: { changes: 'none' }, ids: ['changes-folder-missing'] },
  {
    name: 'the administrator has the published password',
    options: { rootPassword: cannotAil() ? '' : tool('openssl', ['passwd', '-6', 'password']).trim() },
    ids: ['root-password-public'],
  },
]

/** The table with a system partition that ends 500 kB behind the beginning of the compressed system. The kernel lies behind it. */
function shortened(lines: string[], { path, system }: LamponeCard): string[] {
  const { offset } = placeOfFile(path, system, 'live/filesystem.squashfs')
  const sectors = (offset - system.startBytes) / 512 + 1000
  return lines.map((line) => (line.startsWith(`${system.number} :`) ? line.replace(/size=\s*\d+/, `size=${sectors}`) : line))
}

/** Another filesystem in place of the persistence. */
function formatted({ path, persistence }: LamponeCard, program: string, args: string[]): void {
  const part = `${path}.formatted`
  writeFileSync(part, '')
  truncateSync(part, persistence.sizeBytes)
  tool(program, [...args, part])
  tool('dd', [`if=${part}`, `of=${path}`, 'bs=1M', `seek=${persistence.startBytes / MiB}`, 'conv=notrunc', 'status=none'])
  rmSync(part)
}

/** Everything that can be wrong with a card of this family, a card each. */
export const lamponeAilments: readonly Ailment[] = [...ofTable, ...ofMenu, ...ofSystem, ...ofPersistence]
