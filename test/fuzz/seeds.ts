/** Small sound samples of everything that is parsed, made by the tools that make them where there are any. */
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { tool } from '../support/tools.ts'
import { volumeSamples } from '../support/volume-samples.ts'

export interface SeedBytes {
  name: string
  bytes: Uint8Array
}

const MiB = 1024 * 1024

export const fuzzTools = ['mksquashfs', 'debugfs']

export function fuzzSeeds(folder: string): Record<string, SeedBytes[]> {
  const samples = mkdtempSync(join(folder, 'samples-'))
  const volumes = volumeSamples(samples)
  const named = (...words: string[]) => volumes.filter(({ name }) => words.some((word) => name.includes(word)))
  const tree = join(samples, 'tree')
  return {
    table: named('MBR', 'GPT'),
    identity: named('exFAT', 'NTFS', 'btrfs', 'LUKS', 'swap', 'snapshot', 'EROFS', 'FAT16', 'ISO'),
    fat: named('FAT12', 'FAT16', 'FAT32'),
    ext: extSamples(samples, tree),
    journal: [journalSample(samples)],
    store: named('snapshot'),
    iso9660: named('ISO'),
    erofs: [...named('EROFS'), ...erofsFixtures()],
    squashfs: squashfsSamples(samples, tree),
    kernel: kernelSamples(),
    initrd: initrdSamples(),
    config: configSamples,
  }
}

function blank(path: string, sizeBytes: number): string {
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  return path
}

function extSamples(folder: string, tree: string): SeedBytes[] {
  const kinds: [string, string[]][] = [
    ['ext4', ['-t', 'ext4', '-b', '4096']],
    ['ext4 of small blocks', ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^metadata_csum']],
    ['ext4 with inline data', ['-t', 'ext4', '-b', '1024', '-O', 'inline_data,^has_journal', '-I', '256']],
    ['ext3', ['-t', 'ext3', '-b', '1024']],
    ['ext2 of the first revision', ['-t', 'ext2', '-r', '0', '-b', '1024']],
  ]
  return kinds.map(([name, words], at) => {
    const path = blank(join(folder, `ext-${at}.img`), 6 * MiB)
    tool('mke2fs', ['-q', '-F', ...words, '-d', tree, path])
    return { name, bytes: readFileSync(path) }
  })
}

function journalSample(folder: string): SeedBytes {
  const path = blank(join(folder, 'journal.img'), 8 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-J', 'size=1', path])
  const block = join(folder, 'block')
  writeFileSync(block, Buffer.alloc(3 * 1024, 'journal'))
  tool('debugfs', ['-w', '-f', '-', path], { input: `jo -c\njw -b 4000,4001,4002 ${block}\njw -b 4100 -r 4000 ${block}\njc\n` })
  return { name: 'a journal to be carried out', bytes: readFileSync(path) }
}

/** With fragments and with large blocks, which Debian 12's mkfs.erofs does not make. */
function erofsFixtures(): SeedBytes[] {
  return ['all-fragments-lz4', 'fragments-zstd', 'fragments-long-index', 'blocks-of-16k'].map((name) => ({
    name: `EROFS, ${name}`,
    bytes: gunzipSync(readFileSync(new URL(`../fixtures/erofs/${name}.erofs.gz`, import.meta.url))),
  }))
}

function squashfsSamples(folder: string, tree: string): SeedBytes[] {
  return ['gzip', 'xz', 'zstd', 'lz4', 'lzo'].map((compressor) => {
    const path = join(folder, `${compressor}.squashfs`)
    tool('mksquashfs', [tree, path, '-comp', compressor, '-b', '16K', '-noappend', '-no-progress', '-quiet'])
    return { name: `squashfs with ${compressor}`, bytes: readFileSync(path) }
  })
}

const banner = 'Linux version 6.1.0-56-arm64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP\n\0'

function kernelSamples(): SeedBytes[] {
  const setup = Buffer.alloc(64 * 1024)
  setup.write('HdrS', 0x202, 'latin1')
  setup.writeUInt16LE(0x20f, 0x206)
  setup.writeUInt16LE(0xaa55, 0x1fe)
  setup.writeUInt8(4, 0x1f1)
  setup.writeUInt16LE(0x400, 0x20e)
  setup.write('6.1.0-56-amd64 (debian) #1 SMP\0', 0x600, 'latin1')
  const arm64 = Buffer.alloc(256 * 1024)
  arm64.write('ARM\x64', 56, 'latin1')
  arm64.write(banner, 200_000, 'latin1')
  return [
    { name: 'bzImage', bytes: setup },
    { name: 'arm64 Image', bytes: arm64 },
    { name: 'arm64 Image in gzip', bytes: gzipSync(arm64) },
    { name: 'arm64 Image in zstd', bytes: zstdCompressSync(arm64) },
  ]
}

/** A member of a cpio archive in the "new" form (cpio(5)). */
function member(name: string, content: string): Buffer {
  const words = [1, 0o100644, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
  const head = `070701${words.map((word) => word.toString(16).padStart(8, '0')).join('')}${name}\0`
  const padded = (part: Buffer) => Buffer.concat([part, Buffer.alloc((4 - (part.length % 4)) % 4)])
  return Buffer.concat([padded(Buffer.from(head, 'latin1')), padded(Buffer.from(content, 'latin1'))])
}

function initrdSamples(): SeedBytes[] {
  const plain = Buffer.concat([member('init', '#!/bin/sh\n'.repeat(40)), member('etc/conf', 'a=b\n'), member('TRAILER!!!', '')])
  const early = Buffer.concat([
    member('kernel/x86/microcode/GenuineIntel.bin', 'x'.repeat(600)),
    member('TRAILER!!!', ''),
    Buffer.alloc(512),
  ])
  return [
    { name: 'cpio', bytes: plain },
    { name: 'cpio in gzip behind microcode', bytes: Buffer.concat([early, gzipSync(plain)]) },
    { name: 'cpio in zstd', bytes: zstdCompressSync(plain) },
  ]
}

const configs: Record<string, string> = {
  'grub.cfg': `set default="0"\nset fallback=2\nset timeout=5\nif [ -s $prefix/grubenv ]; then load_env; fi\nmenuentry 'Standard boot' --class os {\n  search --no-floppy --fs-uuid --set=root --hint=msdos3 2020-06-01-10-11-12-00\n  linux /live/vmlinuz boot=live fromiso=2020-06-01-10-11-10-00 persistence quiet "a b" \\\n    splash\n  initrd /live/initrd.img\n}\nsubmenu "More" {\n  menuentry Repair { linux ($root)/live/vmlinuz $args\n initrd /live/initrd.img }\n}\nsource /boot/grub/custom.cfg\n`,
  grubenv: `# GRUB Environment Block\nsaved_entry=0\nnext_entry=1\nkernelopts=root=UUID\\\\x quiet\n`.padEnd(1024, '#'),
  'autoboot.txt': `[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n`,
  'syslinux.cfg': `default vesamenu.c32\ntimeout 100\ninclude other.cfg\nlabel linux0\n  menu label ^Start Sugar\n  menu default\n  kernel vmlinuz0\n  append initrd=initrd0.img root=live:UUID=1234-ABCD rd.live.overlay=UUID=1234-ABCD rd.live.image quiet\nlabel check0\n  linux vmlinuz0\n  initrd initrd0.img\n  append root=live:LABEL=X\n`,
}
const configSamples = Object.entries(configs).map(([name, text]) => ({ name, bytes: Buffer.from(text) }))
