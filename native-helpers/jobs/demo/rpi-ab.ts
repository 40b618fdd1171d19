import { gzipSync } from 'node:zlib'
import { formatAutoboot } from '../../volumes/boot-config/autoboot.ts'
import { makeFat } from '../../volumes/making/fat.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import { copyVolume, type GptPart, partitionCard, partTypes } from './gpt-card.ts'
import { makeExt } from './make-ext.ts'
import type { PracticeCard } from './practice-card.ts'
import { smallInitrd, smallKernel } from './small-kernel.ts'

const MiB = 1024 * 1024

/** As the images of 2025 have it (raspberrypi/rpi-image-gen, image/gpt/ab_userdata), with roots of ext4. */
const bootable = 4n
const parts = (dataMiB: number): GptPart[] => [
  { name: 'config', typeGuid: partTypes.basicData, sizeMiB: 32, attributes: bootable },
  { name: 'boot_a', typeGuid: partTypes.basicData, sizeMiB: 128, attributes: bootable },
  { name: 'boot_b', typeGuid: partTypes.basicData, sizeMiB: 128, attributes: bootable },
  { name: 'system_a', typeGuid: partTypes.linux, sizeMiB: 512 },
  { name: 'system_b', typeGuid: partTypes.linux, sizeMiB: 512 },
  { name: 'persistent', typeGuid: partTypes.linux, sizeMiB: dataMiB },
]
const alignMiB = 8
/** Where the data begins with the sizes above, and what the copy of the table needs behind it. */
const dataStartMiB = 1320
const cardMiB = 7600

const kernels = [
  { file: 'kernel8.img', initramfs: 'initramfs8', version: '6.12.34+rpt-rpi-v8' },
  { file: 'kernel_2712.img', initramfs: 'initramfs_2712', version: '6.12.34+rpt-rpi-2712' },
]
const machineId = '4b1d0c9a7e5f42d3a6b8c0e1f2a3b4c5'
const bootSerial = 0x8a3c55d1

const file = (path: string, content: string | Uint8Array): NewEntry => ({
  kind: 'file',
  path,
  content: typeof content === 'string' ? Buffer.from(content) : content,
})
const folder = (path: string, mode?: number): NewEntry => ({ kind: 'folder', path, mode })
const link = (path: string, target: string): NewEntry => ({ kind: 'link', path, target })

interface Variant {
  /** The data reaches to the end of the card, instead of leaving it as the image did. */
  grown?: boolean
  withoutKernelInA?: boolean
  withoutMachineId?: boolean
}

function make(card: WritableDevice, { grown = false, withoutKernelInA = false, withoutMachineId = false }: Variant): void {
  const dataMiB = grown ? cardMiB - dataStartMiB - alignMiB : 1024
  const imageMiB = grown ? undefined : dataStartMiB + dataMiB + alignMiB
  const [config, bootA, bootB, systemA, systemB, data] = partitionCard(card, parts(dataMiB), { alignMiB, imageMiB })
  if (!config || !bootA || !bootB || !systemA || !systemB || !data) throw new TypeError('the card has six partitions')
  makeFat(config, { label: 'BOOTFS', bits: 16, sectorsPerCluster: 1, entries: [file('autoboot.txt', formatAutoboot(2, 3))] })
  const start = bootEntries()
  const spoiled = withoutKernelInA ? start.filter(({ path }) => !kernels.some((kernel) => kernel.file === path)) : start
  makeFat(bootA, { label: 'BOOT', volumeId: bootSerial, entries: spoiled })
  makeFat(bootB, { label: 'BOOT', volumeId: bootSerial, entries: start })
  makeExt(systemA, { label: 'SYSTEM', entries: systemEntries() })
  copyVolume(systemA, systemB)
  makeExt(data, { label: 'PERSISTENT', entries: dataEntries(withoutMachineId) })
}

function bootEntries(): NewEntry[] {
  return [
    file('config.txt', 'arm_64bit=1\nauto_initramfs=1\ndtparam=audio=on\n\n[cm4]\notg_mode=1\n\n[all]\nenable_uart=1\n'),
    file('cmdline.txt', 'console=serial0,115200 console=tty1 root=/dev/disk/by-slot/active/system rootwait ro quiet\n'),
    file('start4.elf', Buffer.alloc(64 * 1024, 'practice firmware ')),
    ...kernels.flatMap(({ file: name, initramfs, version }) => [
      file(name, gzipSync(smallKernel('arm64', version))),
      file(initramfs, smallInitrd({ init: '#!/bin/sh\n', [`usr/lib/modules/${version}/modules.dep`]: '' })),
    ]),
  ]
}

function systemEntries(): NewEntry[] {
  return [
    ...['boot/firmware', 'dev', 'home', 'persistent', 'proc', 'run', 'sys', 'tmp', 'var/tmp'].map((path) => folder(path)),
    link('lib', 'usr/lib'),
    link('sbin', 'usr/sbin'),
    link('etc/os-release', '../usr/lib/os-release'),
    file('usr/lib/os-release', 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\n'),
    file('etc/hostname', 'raspberrypi\n'),
    file('etc/machine-id', ''),
    file(
      'etc/fstab',
      '/dev/disk/by-slot/active/system / ext4 ro,relatime 0 1\nLABEL=BOOTFS /bootfs vfat defaults,rw,noatime 0 2\n/persistent/home /home none bind 0 0\n',
    ),
    file('etc/systemd/journald.conf.d/persistent.conf', '[Journal]\nStorage=persistent\nSystemMaxUse=512M\n'),
    file('usr/lib/systemd/systemd', Buffer.alloc(100_000, 'a program without code ')),
    link('usr/sbin/init', '/usr/lib/systemd/systemd'),
    ...kernels.map(({ version }) => file(`usr/lib/modules/${version}/modules.dep`, '')),
  ]
}

function dataEntries(withoutMachineId: boolean): NewEntry[] {
  const slots = ['system_a', 'system_b'].flatMap((slot) => [
    folder(`slots/${slot}/var/tmp`, 0o1777),
    folder(`slots/${slot}/var/log`),
    file(`slots/${slot}/var/lib/dpkg/status`, 'Package: base-files\nStatus: install ok installed\nVersion: 13.8\n'),
  ])
  return [
    ...slots,
    folder('common/etc'),
    ...(withoutMachineId ? [] : [file('common/etc/machine-id', `${machineId}\n`)]),
    file('home/pi/letter.txt', 'Dear Sir or Madam,\n\nthis is a letter to practise with.\n'),
    file('home/pi/notes.txt', 'Milk, bread, a new card\n'.repeat(200)),
    folder('log/journal', 0o2755),
    // Since the card has run, there is a log of the machine.
    file(`log/journal/${machineId}/system.journal`, Buffer.alloc(256 * 1024, 'practice log ')),
  ]
}

const sizeBytes = cardMiB * MiB
const common = { system: 'rpi-ab', sizeBytes, needsTools: true } as const

export const rpiAbCards: readonly PracticeCard[] = [
  {
    ...common,
    id: 'rpi-ab-healthy',
    title: 'Raspberry Pi A/B card',
    ailment: null,
    findings: ['ab-slots-equal', 'ab-rollback-ready'],
    make: async (card) => make(card, { grown: true }),
  },
  {
    ...common,
    id: 'rpi-ab-broken-slot',
    title: 'Raspberry Pi A/B card, slot A broken',
    ailment: 'The slot that starts has lost its kernels; the other one is whole.',
    findings: ['ab-kernel-missing', 'ab-autoboot-broken-slot', 'table-backup-not-at-end', 'card-unused-tail'],
    make: async (card) => make(card, { withoutKernelInA: true }),
  },
  {
    ...common,
    id: 'rpi-ab-no-machine-id',
    title: 'Raspberry Pi A/B card without its machine number',
    ailment: 'The number by which others know the machine is gone.',
    findings: ['ab-machine-id-missing'],
    make: async (card) => make(card, { grown: true, withoutMachineId: true }),
  },
]
