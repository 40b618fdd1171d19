import type { WritableDevice } from '../../volumes/making/new-entry.ts'
import { type LamponePlaces, lamponeCardBytes, makeLampone, type NewLampone } from './lampone-make.ts'
import type { PracticeCard } from './practice-card.ts'

interface Ailing {
  id: string
  title: string
  ailment: string | null
  findings: readonly string[]
  options?: Partial<NewLampone>
  /** After the card was made. */
  damage?(card: WritableDevice, places: LamponePlaces): void
}

const ext4Superblock = { offset: 1024, size: 1024 }

const cards: Ailing[] = [
  { id: 'lampone-healthy', title: 'Lampone Pi card', ailment: null, findings: [] },
  {
    id: 'liveng-healthy',
    title: 'liveng stick',
    ailment: null,
    findings: [],
    options: { layout: 'liveng' },
  },
  {
    id: 'lampone-updated',
    title: 'Lampone Pi card after a kernel update',
    ailment: null,
    findings: ['kernel-updated'],
    options: { update: 'with-modules' },
  },
  {
    id: 'lampone-kernel-newer',
    title: 'Lampone Pi card with a kernel newer than its drivers',
    ailment: 'The changes were deleted after a kernel update, and with them the drivers of the kernel that starts.',
    findings: ['kernel-without-modules'],
    options: { update: 'modules-deleted' },
  },
  {
    id: 'lampone-kernel-torn',
    title: 'Lampone Pi card with a half-written kernel partition',
    ailment: 'The power failed while a kernel update was written.',
    findings: ['kernel-partition-incomplete'],
    options: { update: 'with-modules', torn: true },
  },
  {
    id: 'lampone-equal-uuids',
    title: 'Lampone Pi card whose two system partitions have the same identity',
    ailment: 'Both were written in the same second, so that the boot program cannot tell them apart.',
    findings: ['iso-uuids-equal'],
    options: { sameSecond: true },
  },
  {
    id: 'lampone-full',
    title: 'Lampone Pi card, full',
    ailment: 'Nothing more can be saved. Most of the card is unused.',
    findings: ['persistence-full', 'card-unused-tail'],
    options: { persistenceMiB: 1024, full: true },
  },
  {
    id: 'lampone-broken-changes',
    title: 'Lampone Pi card with a damaged partition for changes',
    ailment: 'Its first superblock is gone: the system starts, and neither shows nor saves changes.',
    findings: ['persistence-damaged'],
    damage: (card, { persistence }) =>
      card.writeSync(new Uint8Array(ext4Superblock.size), persistence.start + ext4Superblock.offset),
  },
  {
    id: 'lampone-published-password',
    title: 'Lampone Pi card as it was written',
    ailment: 'The administrator has the password that everybody knows.',
    findings: ['root-password-public'],
    options: { publishedPassword: true },
  },
  {
    id: 'lampone-no-fallback',
    title: 'Lampone Pi card whose boot menu has no way out',
    ailment: 'What the menu tries when the usual start fails is an entry that does not exist, as on all published cards.',
    findings: ['boot-menu-fallback'],
    options: { fallback: 2 },
  },
]

/** Cards of Lampone Pi and liveng, as their installers make them. */
export const lamponeCards: readonly PracticeCard[] = cards.map(({ id, title, ailment, findings, options, damage }) => ({
  id,
  system: options?.layout ?? 'lampone',
  title,
  ailment,
  findings,
  sizeBytes: lamponeCardBytes,
  needsTools: true,
  async make(card) {
    const places = await makeLampone(card, { layout: 'lampone', ...options })
    damage?.(card, places)
    card.flushSync()
  },
}))
