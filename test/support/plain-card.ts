import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './tools.ts'

const MiB = 1024 * 1024

export const plainCardTools = ['sfdisk', 'mkfs.fat', 'mke2fs', 'debugfs']

export const plainCard = {
  sizeBytes: 128 * MiB,
  boot: { startBytes: MiB, sizeBytes: 32 * MiB },
  data: { startBytes: 33 * MiB, sizeBytes: 64 * MiB },
}

/** A card with a table, a FAT partition and a Linux one, and no system that is known; a quarter of it is in no partition. */
export function makePlainCard(folder: string, name = 'plain.img'): string {
  const card = join(folder, name)
  const { boot, data, sizeBytes } = plainCard
  writeFileSync(card, '')
  truncateSync(card, sizeBytes)
  const line = ({ startBytes, sizeBytes: bytes }: { startBytes: number; sizeBytes: number }, type: string) =>
    `start=${startBytes / 512}, size=${bytes / 512}, type=${type}\n`
  tool('sfdisk', ['-q', card], { input: `label: dos\n${line(boot, 'c')}${line(data, '83')}` })
  tool('mkfs.fat', [
    '-F',
    '32',
    '-s',
    '1',
    '-n',
    'START',
    '--offset',
    String(boot.startBytes / 512),
    card,
    String(boot.sizeBytes / 1024),
  ])
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'DATA', '-E', `offset=${data.startBytes}`, card, `${data.sizeBytes / 1024}k`])
  return card
}

/** As the kernel leaves it when it met damage: the state in the superblock says that errors were found. */
export function noteErrors(card: string): void {
  setState(card, '2')
}

/** As after e2fsck. */
export function noteNoErrors(card: string): void {
  setState(card, '1')
}

function setState(card: string, state: string): void {
  const place = `${card}?offset=${plainCard.data.startBytes}`
  execFileSync('debugfs', ['-w', '-R', `set_super_value state ${state}`, place], { stdio: 'ignore' })
}
