import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { abFindings } from '../../native-helpers/systems/rpi-ab/findings.ts'
import { rpiAb } from '../../native-helpers/systems/rpi-ab/index.ts'
import { type Described, describedBy } from '../support/read-card.ts'
import {
  type AbCard,
  type AbOptions,
  abTools,
  changeExt,
  changeFat,
  copyCard,
  healthyAutoboot,
  inFat,
  machineId,
  makeAbCard,
  overwrite,
  replaceText,
} from '../support/rpi-ab.ts'
import { missingTools, tool } from '../support/tools.ts'

const needs = missingTools(...abTools, 'debugfs', 'dumpe2fs', 'dump.erofs', 'mdel', 'mlabel', 'sgdisk')
const healthy = ['ab-rollback-ready', 'ab-slots-equal']

/** A partition as a file of its own, for tools that look at one. */
function cut(card: AbCard, name: string, part: string): void {
  const blocks = (bytes = 0) => String(bytes / 1048576)
  const range = [`skip=${blocks(card.starts.get(name))}`, `count=${blocks(card.sizes.get(name))}`]
  tool('dd', [`if=${card.path}`, `of=${part}`, 'bs=1M', ...range, 'status=none'])
}

async function described(card: AbCard): Promise<Described> {
  const found = await describedBy(rpiAb, { image: card.path })
  assert.ok(found, 'the card is taken for an A/B card')
  return found
}

describe('an A/B card of rpi-image-gen', { skip: needs ?? false }, () => {
  let folder = ''
  const cards = new Map<string, AbCard>()
  const card = (options: AbOptions): AbCard => {
    const key = JSON.stringify(options)
    const known = cards.get(key) ?? makeAbCard(folder, options)
    cards.set(key, known)
    return known
  }
  const spoiled = (options: AbOptions, spoil: (copy: AbCard) => void): AbCard => {
    const copy = copyCard(card(options), folder)
    spoil(copy)
    return copy
  }
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'livecard-ab-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('is known in both generations, and a healthy one has no complaint', async () => {
    for (const generation of [2025, 2026] as const) {
      const { detection, description, ids } = await described(card({ generation }))
      assert.equal(detection.id, 'rpi-ab')
      assert.match(detection.generation ?? '', generation === 2025 ? /BOOTFS/ : /BOOTCONFIG/)
      assert.deepEqual(
        [...detection.roles],
        [
          [1, 'boot choice'],
          [2, 'slot a, start files'],
          [3, 'slot b, start files'],
          [4, 'slot a, system'],
          [5, 'slot b, system'],
          [6, 'your files'],
        ],
      )
      assert.deepEqual(ids, healthy)
      assert.deepEqual(
        description.slots.map(({ id, starts, bootable }) => ({ id, starts, bootable })),
        [
          { id: 'slot-a', starts: true, bootable: true },
          { id: 'slot-b', starts: false, bootable: true },
        ],
      )
      assert.ok(description.slots.every(({ release }) => release === 'Debian GNU/Linux 13 (trixie) 1.0'))
    }
  })

  test('tells the kernels of both slots and whether their modules are there', async () => {
    const made = card({ generation: 2026 })
    const { description } = await described(made)
    const seen = description.kernels.map(
      ({ where, path, version, modules, starts }) => `${where} ${path} ${version} ${modules} ${starts}`,
    )
    const [pi4, pi5] = made.kernelVersions
    assert.deepEqual(seen, [
      `slot-a /kernel_2712.img ${pi5} present null`,
      `slot-a /kernel8.img ${pi4} present null`,
      `slot-b /kernel_2712.img ${pi5} present false`,
      `slot-b /kernel8.img ${pi4} present false`,
    ])
  })

  test('measures what is used as dumpe2fs, dump.erofs and du do', async () => {
    const made = card({ generation: 2026 })
    const { description } = await described(made)
    const part = join(folder, 'part.img')
    cut(made, 'persistent', part)
    const free = /Free blocks:\s+(\d+)/.exec(tool('dumpe2fs', ['-h', part]))?.[1]
    const data = description.rooms.find(({ id }) => id === 'data')
    assert.equal(data?.usedBytes, (made.sizes.get('persistent') ?? 0) - Number(free) * 4096)
    cut(made, 'system_a', part)
    const blocks = /blocks:\s+(\d+)/i.exec(tool('dump.erofs', ['-s', part]))?.[1]
    assert.equal(description.rooms.find(({ id }) => id === 'slot-a')?.usedBytes, Number(blocks) * 4096)
    assert.equal(description.rooms.find(({ id }) => id === 'journal')?.usedBytes, 400_000)
    assert.deepEqual(
      description.facts.find(({ label }) => label === 'Home'),
      { label: 'Home', value: '1.8 kB in 1 file' },
    )
  })

  test('is known with 4096-byte sectors', { skip: process.getuid?.() === 0 ? false : 'a loop device needs root' }, async () => {
    const { ids, description } = await described(card({ generation: 2026, sectorBytes: 4096 }))
    assert.deepEqual(ids, healthy)
    assert.equal(description.slots[1]?.bootable, true)
  })

  test('with encrypted parts says what cannot be read, and checks the rest', async () => {
    for (const map of ['crypt', 'cryptslots', 'cryptdata'] as const) {
      const made = card({ generation: 2026, map })
      const { ids, description } = await described(made)
      assert.deepEqual(
        ids.filter((id) => id !== 'ab-encrypted'),
        healthy,
        map,
      )
      assert.ok(ids.includes('ab-encrypted'))
      assert.ok(description.slots.every(({ bootable }) => bootable))
      const hasData = description.rooms.some(({ id }) => id === 'data')
      assert.equal(hasData, map === 'cryptslots')
      assert.equal(description.kernels[0]?.modules, map === 'cryptdata' ? 'present' : 'unknown')
      const container = [...made.starts].find(([name]) => name.endsWith('_crypt'))?.[0] ?? ''
      const part = join(folder, 'luks.img')
      cut(made, container, part)
      assert.match(tool('cryptsetup', ['luksDump', part]), /cipher: aes-xts-plain64[\s\S]*Cipher key: 512 bits/)
      assert.deepEqual(description.facts.find(({ label }) => label === 'Cipher')?.value, 'aes-xts-plain64, 512 bit')
    }
  })

  test('tells an installed update, and which slot starts', async () => {
    const made = spoiled({ generation: 2026, updated: true }, (copy) =>
      changeFat(copy, 'bootconfig', 'autoboot.txt', '[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n'),
    )
    const { ids, description } = await described(made)
    assert.deepEqual(ids, ['ab-rollback-ready', 'ab-slots-differ'])
    assert.deepEqual(
      description.slots.map(({ starts }) => starts),
      [false, true],
    )
    assert.match(description.findings[1]?.detail ?? '', /Slot B: Debian GNU\/Linux 13 \(trixie\) 1\.1/)
  })

  test('whose start files lie in one image is looked into', async () => {
    const { ids, description } = await described(card({ generation: 2026, ramdisk: true }))
    assert.deepEqual(ids, healthy)
    assert.equal(description.kernels[0]?.path, 'boot.img:/kernel_2712.img')
  })

  test('that was never started has no machine number yet, which is no fault', async () => {
    const { ids } = await described(card({ generation: 2026, started: false }))
    assert.deepEqual(ids, [...healthy, 'ab-not-started'])
  })

  const cases: { id: keyof typeof abFindings; also?: string[]; options?: Partial<AbOptions>; spoil: (copy: AbCard) => void }[] = [
    { id: 'ab-autoboot-missing', spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', null) },
    {
      id: 'ab-autoboot-long',
      spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', healthyAutoboot + '# a remark\n'.repeat(60)),
    },
    {
      id: 'ab-autoboot-invalid',
      spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', healthyAutoboot.replace('=2', '=9')),
    },
    {
      id: 'ab-autoboot-invalid',
      spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', healthyAutoboot.replace('=3', '=6')),
    },
    {
      id: 'ab-autoboot-invalid',
      spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', healthyAutoboot.replace('=2', '=two')),
    },
    { id: 'ab-autoboot-same', spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', healthyAutoboot.replace('=3', '=2')) },
    { id: 'ab-autoboot-no-trial', spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', '[all]\nboot_partition=2\n') },
    {
      id: 'ab-autoboot-filter',
      spoil: (copy) => changeFat(copy, 'bootconfig', 'autoboot.txt', `${healthyAutoboot}[pi5]\nboot_partition=3\n`),
    },
    {
      id: 'ab-bootconfig-label',
      options: { generation: 2025 },
      spoil: (copy) => tool('mlabel', [...inFat(copy, 'config'), '::OTHER'], { env: { MTOOLS_SKIP_CHECK: '1' } }),
    },
    {
      id: 'ab-var-emptied',
      spoil: (copy) =>
        changeExt(copy, 'persistent', [
          'rm slots/system_b/var/lib/dpkg/status',
          'rmdir slots/system_b/var/lib/dpkg',
          'rmdir slots/system_b/var/lib',
        ]),
    },
    { id: 'ab-bootconfig-unreadable', spoil: (copy) => overwrite(copy, 'bootconfig', 0, Buffer.alloc(512)) },
    {
      id: 'ab-autoboot-broken-slot',
      also: ['ab-kernel-missing'],
      spoil: (copy) => {
        for (const name of ['kernel8.img', 'kernel_2712.img']) changeFat(copy, 'boot_a', name, null)
      },
    },
    { id: 'ab-rollback-not-ready', also: ['ab-cmdline-missing'], spoil: (copy) => changeFat(copy, 'boot_b', 'cmdline.txt', null) },
    { id: 'ab-cmdline-missing', spoil: (copy) => changeFat(copy, 'boot_b', 'cmdline.txt', 'console=tty1\n') },
    { id: 'ab-cmdline-root', spoil: (copy) => changeFat(copy, 'boot_b', 'cmdline.txt', 'root=/dev/mmcblk0p5 rootwait\n') },
    { id: 'ab-initramfs-missing', spoil: (copy) => changeFat(copy, 'boot_b', 'initramfs8', null) },
    {
      id: 'ab-initramfs-damaged',
      spoil: (copy) => changeFat(copy, 'boot_b', 'initramfs8', Buffer.from('no archive at all'.repeat(100))),
    },
    { id: 'ab-kernel-damaged', spoil: (copy) => changeFat(copy, 'boot_b', 'kernel8.img', Buffer.alloc(5000, 'no kernel ')) },
    {
      id: 'ab-kernel-missing',
      spoil: (copy) => changeFat(copy, 'boot_b', 'config.txt', 'kernel=mine.img\n'),
    },
    {
      id: 'ab-firmware-missing',
      spoil: (copy) => {
        for (const name of ['config.txt', 'start4.elf']) changeFat(copy, 'boot_b', name, null)
      },
    },
    { id: 'ab-boot-unreadable', spoil: (copy) => overwrite(copy, 'boot_b', 0, Buffer.alloc(512)) },
    { id: 'ab-root-unreadable', spoil: (copy) => overwrite(copy, 'system_b', 0, Buffer.alloc(4096)) },
    {
      id: 'ab-root-unreadable',
      options: { generation: 2025 },
      spoil: (copy) => overwrite(copy, 'system_b', 0, Buffer.alloc(4096)),
    },
    { id: 'ab-root-checksum', spoil: (copy) => overwrite(copy, 'system_b', 1024 + 64, Buffer.from('renamed')) },
    {
      id: 'ab-root-no-system',
      options: { generation: 2025 },
      also: ['ab-modules-missing'],
      spoil: (copy) => {
        const start = copy.starts.get('system_b') ?? 0
        tool('mke2fs', [
          '-q',
          '-F',
          '-t',
          'ext4',
          '-E',
          `offset=${start}`,
          copy.path,
          `${(copy.sizes.get('system_b') ?? 0) / 1024}k`,
        ])
      },
    },
    {
      id: 'ab-modules-missing',
      options: { generation: 2025 },
      spoil: (copy) =>
        changeExt(copy, 'system_b', ['cd usr/lib/modules', `ln 6.12.34+rpt-rpi-v8 old`, 'unlink 6.12.34+rpt-rpi-v8']),
    },
    {
      id: 'ab-no-slot-starts',
      also: ['ab-boot-unreadable'],
      spoil: (copy) => {
        for (const name of ['boot_a', 'boot_b']) overwrite(copy, name, 0, Buffer.alloc(512))
      },
    },
    { id: 'ab-names', spoil: (copy) => tool('sgdisk', ['-c', '5:SYSTEM_B', copy.path]) },
    { id: 'ab-names', spoil: (copy) => tool('sgdisk', ['-n', '7:0:+16K', '-c', '7:boot_a', copy.path]) },
    { id: 'ab-partition-missing', spoil: (copy) => tool('sgdisk', ['-d', '5', copy.path]) },
    { id: 'ab-data-missing', spoil: (copy) => tool('sgdisk', ['-d', '6', copy.path]) },
    { id: 'ab-data-unreadable', spoil: (copy) => overwrite(copy, 'persistent', 0, Buffer.alloc(4096)) },
    { id: 'ab-machine-id-missing', spoil: (copy) => changeExt(copy, 'persistent', ['rm common/etc/machine-id']) },
    {
      id: 'ab-machine-id-invalid',
      spoil: (copy) => replaceText(copy, 'persistent', `${machineId}\n`, `${machineId.replace('f', 'g')}\n`),
    },
    {
      id: 'ab-skeleton',
      spoil: (copy) =>
        changeExt(copy, 'persistent', [
          'rmdir slots/system_b/var/tmp',
          'rm slots/system_b/var/lib/dpkg/status',
          'rmdir slots/system_b/var/lib/dpkg',
          'rmdir slots/system_b/var/lib',
          'rmdir slots/system_b/var',
        ]),
    },
    {
      id: 'ab-journal-budget',
      spoil: (copy) =>
        changeExt(copy, 'persistent', [`set_inode_field log/journal/${machineId}/system.journal size ${600 * 1024 * 1024}`]),
    },
    { id: 'ab-data-nearly-full', spoil: (copy) => fill(copy, 21) },
    { id: 'ab-data-full', spoil: (copy) => fill(copy, 26) },
  ]
  function fill(copy: AbCard, mebibytes: number): void {
    const file = join(folder, 'filler')
    tool('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', `count=${mebibytes}`, 'status=none'])
    changeExt(copy, 'persistent', [`write ${file} home/filler`])
  }
  for (const { id, also = [], options, spoil } of cases) {
    test(`${id}: ${abFindings[id].title}`, async () => {
      const { ids, description } = await described(spoiled({ generation: 2026, ...options }, spoil))
      for (const expected of [id, ...also]) assert.ok(ids.includes(expected), `${expected} is not among ${ids.join(', ')}`)
      const finding = description.findings.find((candidate) => candidate.id === id)
      assert.ok((finding?.detail ?? '').length > 10)
    })
  }

  test('a slot whose kernel finds its partition by itself starts without the small system', async () => {
    const made = spoiled({ generation: 2026 }, (copy) => {
      changeFat(copy, 'boot_b', 'cmdline.txt', 'root=PARTUUID=0c7a4c8a-05 rootwait\n')
      for (const name of ['initramfs8', 'initramfs_2712']) changeFat(copy, 'boot_b', name, null)
    })
    const { ids, description } = await described(made)
    assert.deepEqual(ids, ['ab-cmdline-root', 'ab-rollback-ready', 'ab-slots-differ'])
    assert.equal(description.slots[1]?.bootable, true)
  })

  test('a FAT32 volume that is too small is warned of', async () => {
    const made = spoiled({ generation: 2026 }, (copy) => {
      const part = join(folder, 'fat32.img')
      tool('dd', ['if=/dev/zero', `of=${part}`, 'bs=1M', 'count=32', 'status=none'])
      tool('mkfs.vfat', ['-F', '32', '-s', '1', '-n', 'BOOTCONFIG', part])
      tool('dd', [`if=${part}`, `of=${copy.path}`, 'bs=1M', 'seek=8', 'conv=notrunc', 'status=none'])
    })
    // mtools takes it for FAT16 as well, so that nothing can be put into it here.
    const { ids } = await described(made)
    assert.deepEqual(ids, ['ab-bootconfig-fat32', 'ab-autoboot-missing', 'ab-slots-equal'])
  })

  test('that is cut off in its systems is still described', async () => {
    const made = spoiled({ generation: 2026 }, (copy) => truncateSync(copy.path, (copy.starts.get('system_b') ?? 0) + 4096))
    const { ids, description } = await described(made)
    assert.ok(ids.includes('ab-rollback-not-ready'))
    assert.ok(ids.includes('ab-data-unreadable'))
    assert.equal(description.slots[0]?.bootable, true)
  })

  test('another card with partitions is not taken for one', async () => {
    const image = join(folder, 'other.img')
    tool('dd', ['if=/dev/zero', `of=${image}`, 'bs=1M', 'count=8', 'status=none'])
    tool('sfdisk', ['-q', image], { input: 'label: gpt\nsize=1M, name=boot_a\nsize=1M, name=boot_b\nsize=1M, name=persistent\n' })
    assert.equal(await describedBy(rpiAb, { image }), null)
  })
})
