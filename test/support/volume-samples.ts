import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { tool } from './tools.ts'

const KiB = 1024
const MiB = 1024 * 1024

/** A small sound volume, and where the structures lie that lead a reader. */
export interface VolumeSample {
  name: string
  bytes: Buffer
  /** Start and length of what is worth damaging. */
  hot: [start: number, length: number][]
}

export const sampleTools = [
  'mke2fs',
  'mkfs.fat',
  'mcopy',
  'mkfs.exfat',
  'mkfs.ntfs',
  'mkfs.btrfs',
  'mkfs.erofs',
  'mkswap',
  'cryptsetup',
  'xorrisofs',
  'sfdisk',
]

/** One volume of every kind that is read here, made by the tools that make them. */
export function volumeSamples(folder: string): VolumeSample[] {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'a', 'b'), { recursive: true })
  for (let at = 0; at < 60; at += 1)
    writeFileSync(join(tree, 'a', `a file with a long name ${at}`), `content ${at} `.repeat(at * 20))
  writeFileSync(join(tree, 'a', 'b', 'large'), Buffer.alloc(200_000, 'abc'))
  const treeOfFat = join(folder, 'fat')
  mkdirSync(treeOfFat)
  writeFileSync(join(treeOfFat, 'a file with a long name'), Buffer.alloc(50_000, 1))
  symlinkSync('a/b/large', join(tree, 'link'))
  let count = 0
  const made = (sizeBytes: number, program: string, args: string[], options: { input?: string } = {}): Buffer => {
    count += 1
    const image = join(folder, `sample-${count}.img`)
    writeFileSync(image, '')
    truncateSync(image, sizeBytes)
    tool(
      program,
      args.map((arg) => (arg === 'IMAGE' ? image : arg)),
      options,
    )
    if (program === 'mkfs.fat') {
      tool('mcopy', ['-i', image, '-s', join(tree, 'a'), join(treeOfFat, 'a file with a long name'), '::/'], {
        env: { MTOOLS_SKIP_CHECK: '1' },
      })
    }
    return readFileSync(image)
  }
  const uuid = '2b4f8b2c-3b3c-4e3f-9e57-1f6c2f2f5c11'
  const overlay = zstdDecompressSync(
    readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/half.overlay.zst', import.meta.url))),
  )
  const parts = 'start=64, size=100\nstart=200, size=1000, type=f\nstart=264, size=100\nstart=400, size=100\n'
  return [
    {
      name: 'ext4',
      bytes: made(8 * MiB, 'mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^metadata_csum', '-g', '1024', '-b', '1024', 'IMAGE']),
      hot: [
        [1024, 1024],
        [2048, 2048],
      ],
    },
    {
      name: 'FAT12',
      bytes: made(MiB, 'mkfs.fat', ['-F', '12', 'IMAGE']),
      hot: [
        [0, 64],
        [512, 600],
        [0x1a00, 8 * KiB],
      ],
    },
    {
      name: 'FAT16',
      bytes: made(6 * MiB, 'mkfs.fat', ['-F', '16', '-s', '1', 'IMAGE']),
      hot: [
        [0, 64],
        [2048, 2048],
        [0x1a000, 0x8000],
      ],
    },
    {
      name: 'FAT32',
      bytes: made(34 * MiB, 'mkfs.fat', ['-F', '32', '-s', '1', 'IMAGE']),
      hot: [
        [0, 96],
        [32 * 512, 4096],
        [0x86000, 0x4000],
      ],
    },
    {
      name: 'exFAT',
      bytes: made(8 * MiB, 'mkfs.exfat', ['-L', 'LABEL', 'IMAGE']),
      hot: [
        [0, 128],
        [0x200000, 256],
      ],
    },
    {
      name: 'NTFS',
      bytes: made(4 * MiB, 'mkfs.ntfs', ['-q', '-F', '-f', '-L', 'label', 'IMAGE']),
      hot: [
        [0, 96],
        [0x4000, 8 * KiB],
      ],
    },
    {
      name: 'btrfs',
      bytes: made(120 * MiB, 'mkfs.btrfs', ['-q', '-f', '--csum', 'xxhash', 'IMAGE']).subarray(0, MiB),
      hot: [[65536, 512]],
    },
    {
      name: 'LUKS2',
      bytes: made(
        20 * MiB,
        'cryptsetup',
        ['luksFormat', '-q', '--type', 'luks2', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', 'IMAGE', '-'],
        { input: 'x' },
      ).subarray(0, MiB),
      hot: [
        [0, 512],
        [4096, 1024],
        [0x4000, 512],
      ],
    },
    {
      name: 'LUKS1',
      bytes: made(
        4 * MiB,
        'cryptsetup',
        ['luksFormat', '-q', '--type', 'luks1', '--pbkdf-force-iterations', '1000', 'IMAGE', '-'],
        { input: 'x' },
      ),
      hot: [[0, 256]],
    },
    {
      name: 'swap',
      bytes: made(MiB, 'mkswap', ['-q', 'IMAGE']),
      hot: [
        [1024, 512],
        [4086, 10],
      ],
    },
    {
      name: 'ISO 9660',
      bytes: made(0, 'xorrisofs', ['-quiet', '-R', '-J', '-o', 'IMAGE', tree]),
      hot: [
        [0x8000, 256],
        [0x8800, 256],
        [0x9000, 0x10000],
      ],
    },
    {
      name: 'EROFS',
      bytes: made(0, 'mkfs.erofs', ['--quiet', '-U', uuid, 'IMAGE', tree]),
      hot: [
        [1024, 128],
        [1152, 0x3000],
      ],
    },
    {
      name: 'EROFS with lz4',
      bytes: made(0, 'mkfs.erofs', ['--quiet', '-U', uuid, '-zlz4hc', '-C65536', '-Eztailpacking', 'IMAGE', tree]),
      hot: [
        [1024, 128],
        [1152, 0x4000],
      ],
    },
    {
      name: 'EROFS with lz4 of the old kind',
      bytes: made(0, 'mkfs.erofs', ['--quiet', '-U', uuid, '-zlz4', '-Elegacy-compress', 'IMAGE', tree]),
      hot: [
        [1024, 128],
        [1152, 0x4000],
      ],
    },
    {
      name: 'a snapshot store',
      bytes: Buffer.from(overlay.subarray(0, 4 * MiB)),
      hot: [
        [0, 16],
        [4096, 4096],
        [258 * 4096, 4096],
      ],
    },
    {
      name: 'an MBR',
      bytes: made(MiB, 'sfdisk', ['-q', 'IMAGE'], { input: `label: dos\n${parts}` }),
      hot: [
        [440, 72],
        [200 * 512 + 440, 72],
        [299 * 512 + 440, 72],
        [363 * 512 + 440, 72],
      ],
    },
    {
      name: 'a GPT',
      bytes: made(2 * MiB, 'sfdisk', ['-q', 'IMAGE'], { input: 'label: gpt\nstart=64, size=100\nstart=200, size=100\n' }),
      hot: [
        [446, 66],
        [512, 96],
        [1024, 512],
        [2 * MiB - 512, 96],
      ],
    },
  ]
}
