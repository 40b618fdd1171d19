import { makeFat } from '../../volumes/making/fat.ts'
import { memoryFile } from '../../volumes/making/memory-file.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import { makeSquashfs } from '../../volumes/squashfs/write.ts'
import type { PracticeCard } from './practice-card.ts'
import { smallInitrd, smallKernel } from './small-kernel.ts'

const MiB = 1024 * 1024
const version = '6.1.0-39-amd64'
/** When the base was made; each level an hour after the one that it stands on. */
const baseSeconds = 1_740_000_000

const file = (path: string, content: string | Uint8Array): NewEntry => ({
  kind: 'file',
  path,
  content: typeof content === 'string' ? Buffer.from(content) : content,
})

/** What each level adds to those below it (roboshim/modular-debian, README.md). */
const levels: Record<string, readonly NewEntry[]> = {
  base: [
    file('usr/lib/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'),
    { kind: 'link', path: 'etc/os-release', target: '../usr/lib/os-release' },
    file('etc/debian_version', '12.5\n'),
    file('usr/bin/sh', Buffer.alloc(100_000, 'a shell without code ')),
    file('usr/lib/x86_64-linux-gnu/libc.so.6', Buffer.alloc(900_000, 'a library without code ')),
  ],
  'base-essential': [
    file(`boot/vmlinuz-${version}`, smallKernel('x86', version)),
    file(`boot/initrd.img-${version}`, smallInitrd({ init: '#!/bin/sh\n' })),
    file(`usr/lib/modules/${version}/modules.dep`, ''),
  ],
  'base-essential-console': [file('usr/bin/mc', Buffer.alloc(300_000, 'a file manager without code '))],
  'base-essential-console-lightx': [
    file('usr/bin/startx', '#!/bin/sh\n'),
    file('usr/share/wallpaper', Buffer.alloc(200_000, 'blue ')),
  ],
  'base-essential-console-smtp': [file('etc/exim4/exim4.conf', 'primary_hostname = practice\n')],
}

/** A stick with the modules under `live`, by live-boot's names and with its list, so that a system finds them. */
async function make(card: WritableDevice, without: readonly string[]): Promise<void> {
  const images: NewEntry[] = []
  for (const name of Object.keys(levels).filter((level) => !without.includes(level))) {
    const image = memoryFile()
    const madeSeconds = baseSeconds + name.split('-').length * 3600
    await makeSquashfs(image, { entries: levels[name] ?? [], compressor: 'gzip', madeSeconds })
    images.push({ kind: 'file', path: `live/${name}.squashfs`, content: image, modifiedSeconds: madeSeconds })
  }
  const list = Object.keys(levels).map((name) => `${name}.squashfs\n`)
  makeFat(card, {
    label: 'MODE',
    entries: [...images, file('live/filesystem.module', list.join('')), file('live/vmlinuz', smallKernel('x86', version))],
  })
}

const common = { system: 'mode', sizeBytes: 512 * MiB, needsTools: false } as const

export const modeCards: readonly PracticeCard[] = [
  {
    ...common,
    id: 'mode-healthy',
    title: 'Stick with MoDe modules',
    ailment: null,
    findings: [],
    make: async (card) => make(card, []),
  },
  {
    ...common,
    id: 'mode-parent-missing',
    title: 'Stick with MoDe modules, one of them missing',
    ailment: 'Three modules stand on one that is gone.',
    findings: ['mode-parent-missing', 'mode-list-missing-file'],
    make: async (card) => make(card, ['base-essential']),
  },
]
