import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { bash } from './workload.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB
const chunkBytes = 4096
const entriesPerArea = chunkBytes / 16

/** A Lampone Pi card of 32 GiB, its fourth partition up to the end and with files of this machine in the user's changes. */
export async function lamponeCard(folder: string): Promise<string> {
  const { path } = await makePracticeCard('lampone-updated', folder, { ifThere: 'leave' })
  truncateSync(path, 32 * GiB)
  bash('echo ", +" | sfdisk -q --no-reread -N 4 "$1"', path)
  const table = JSON.parse(execFileSync('sfdisk', ['--json', path], { encoding: 'utf8' })) as {
    partitiontable: { partitions: { start: number }[] }
  }
  const offset = (table.partitiontable.partitions[3]?.start ?? 0) * 512
  const loop = execFileSync('losetup', ['--find', '--show', '--offset', String(offset), path], { encoding: 'utf8' }).trim()
  const mnt = join(folder, 'mnt')
  mkdirSync(mnt)
  try {
    bash('e2fsck -fy "$1" > /dev/null 2>&1 || true; resize2fs "$1" > /dev/null 2>&1', loop)
    bash('mount "$1" "$2"', loop, mnt)
    bash(
      'mkdir -p "$1/rw/usr"; cp -a /usr/share/doc /usr/share/zoneinfo /usr/include "$1/rw/usr" 2>/dev/null || true; umount "$1"',
      mnt,
    )
  } finally {
    bash('losetup -d "$1"', loop)
  }
  return path
}

/** A LiveOS stick of 16 GiB: FAT32, a squashfs with an ext4 of 8 GiB in it, and a snapshot store of 512 MiB that is half full. */
export function liveosStick(folder: string): string {
  const root = join(folder, 'rootfs.img')
  const inside = join(folder, 'inside', 'LiveOS')
  const mnt = join(folder, 'mnt')
  mkdirSync(inside, { recursive: true })
  mkdirSync(mnt, { recursive: true })
  writeFileSync(root, '')
  truncateSync(root, 8 * GiB)
  bash('mke2fs -q -F -t ext4 -b 4096 "$1" && mount -o loop "$1" "$2"', root, mnt)
  const version = '6.1.18-200.fc37.x86_64'
  bash(
    'mkdir -p "$1/usr/lib/modules/$2/kernel" "$1/etc" "$1/var"; cp -a /usr/bin /usr/include "$1/usr" 2>/dev/null || true',
    mnt,
    version,
  )
  bash(
    'touch "$1/usr/lib/modules/$2/modules.dep"; ln -s usr/lib "$1/lib"; echo PRETTY_NAME=Fedora > "$1/etc/os-release"; umount "$1"',
    mnt,
    version,
  )
  const store = join(folder, 'overlay')
  fillStore(root, store, 512 * MiB, 60_000)
  renameSync(root, join(inside, 'rootfs.img'))
  const image = join(folder, 'squashfs.img')
  bash('mksquashfs "$1" "$2" -comp zstd -quiet -no-progress -noappend', join(folder, 'inside'), image)
  rmSync(join(folder, 'inside'), { recursive: true })
  const stick = join(folder, 'liveos.img')
  writeFileSync(stick, '')
  truncateSync(stick, 16 * GiB)
  bash('echo "label: dos\nstart=8192, type=c, bootable" | sfdisk -q "$1"', stick)
  const sectors = (16 * GiB) / 1024 - 4096
  bash('mkfs.fat -F 32 -n LIVE -i 1A2B3C4D --offset 8192 "$1" "$2" > /dev/null', stick, String(sectors))
  bash('mmd -i "$1@@4M" ::LiveOS ::EFI ::EFI/BOOT; mcopy -i "$1@@4M" "$2" ::LiveOS/squashfs.img', stick, image)
  bash('mcopy -i "$1@@4M" "$2" ::LiveOS/overlay-LIVE-1A2B-3C4D', stick, store)
  for (const file of [image, store]) rmSync(file)
  return stick
}

/** As the kernel lays it out: a header, then areas of 256 entries, each followed by the chunks that it names. The copies are the origin's own bytes. */
function fillStore(origin: string, store: string, sizeBytes: number, exceptions: number): void {
  writeFileSync(store, '')
  truncateSync(store, sizeBytes)
  const from = openSync(origin, 'r')
  const to = openSync(store, 'r+')
  const header = Buffer.alloc(chunkBytes)
  for (const [index, value] of [0x70416e53, 1, 1, chunkBytes / 512].entries()) header.writeUInt32LE(value, index * 4)
  writeSync(to, header, 0, chunkBytes, 0)
  const chunks = statSync(origin).size / chunkBytes
  const chunk = Buffer.alloc(chunkBytes)
  for (let area = 0; area * entriesPerArea < exceptions; area += 1) {
    const start = 1 + area * (entriesPerArea + 1)
    const entries = Buffer.alloc(chunkBytes)
    for (let entry = 0; entry < entriesPerArea; entry += 1) {
      const old = (area * entriesPerArea + entry) * 31 + 7
      if (old >= chunks) break
      entries.writeBigUInt64LE(BigInt(old), entry * 16)
      entries.writeBigUInt64LE(BigInt(start + 1 + entry), entry * 16 + 8)
      readSync(from, chunk, 0, chunkBytes, old * chunkBytes)
      writeSync(to, chunk, 0, chunkBytes, (start + 1 + entry) * chunkBytes)
    }
    writeSync(to, entries, 0, chunkBytes, start * chunkBytes)
  }
  closeSync(from)
  closeSync(to)
}
