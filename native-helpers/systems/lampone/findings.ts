import type { FindingKinds } from '../finding.ts'

/** About the table and the boot partition. */
const tableKinds = {
  'persistence-not-fourth': {
    severity: 'warning',
    title: 'The partition for your changes does not have the number 4.',
    meaning:
      'The system starts and keeps your changes, but its kernel updates look for partition 4 and stop with an error. Nothing is lost.',
    remedy: null,
  },
  'persistence-not-last': {
    severity: 'info',
    title: 'The partition for your changes is not the last one on the card.',
    meaning: 'Everything works. It cannot grow to the end of the card, because another partition lies in the way.',
    remedy: null,
  },
  'boot-not-first': {
    severity: 'error',
    title: 'The boot partition is not the first one.',
    meaning:
      'A Raspberry Pi looks for its firmware in the first partition only, so it does not start from this card. Your changes are untouched.',
    remedy: null,
  },
  'boot-not-active': {
    severity: 'info',
    title: 'The boot partition is not marked as active.',
    meaning: 'The installer marks it. Some firmware asks for the mark; most starts without it.',
    remedy: null,
  },
  'boot-type': {
    severity: 'warning',
    title: 'The boot partition is not marked as one.',
    meaning:
      'What lies in it is there, but firmware looks at the mark first and may not start from this card. Your changes are untouched.',
    remedy: null,
  },
  'boot-missing': {
    severity: 'error',
    title: 'The boot partition is missing or cannot be read.',
    meaning: 'The computer finds nothing to start from. Your changes lie in another partition and are not touched by this.',
    remedy: null,
  },
  'boot-menu-missing': {
    severity: 'error',
    title: 'The boot menu is missing, empty, or cannot be read.',
    meaning: 'The boot program does not know what to start. Your changes lie in another partition and are not touched by this.',
    remedy: 'repair',
  },
  'boot-menu-lost': {
    severity: 'error',
    title: 'The boot menu looks for a partition that is not on this card.',
    meaning: 'The entry that starts by itself fails, and the menu stays on the screen. Your changes are untouched.',
    remedy: 'repair',
  },
  'boot-menu-entry-lost': {
    severity: 'warning',
    title: 'One entry of the boot menu looks for a partition that is not on this card.',
    meaning: 'The system starts as usual. That entry does not, if you ever need it.',
    remedy: 'repair',
  },
  'boot-menu-fallback': {
    severity: 'warning',
    title: 'The boot menu has no way out if the usual start fails.',
    meaning:
      'The system starts as usual. If the kernel partition is ever damaged, the computer stays in the menu instead of starting the repair entry by itself.',
    remedy: 'repair',
  },
  'boot-menu-system-unknown': {
    severity: 'warning',
    title: 'The boot menu names another system partition than the one on this card.',
    meaning:
      'Most systems of this family search for their files anyway and start. With a second such card plugged in, they may take the other one.',
    remedy: 'repair',
  },
  'iso-uuids-equal': {
    severity: 'error',
    title: 'The system partition and the kernel partition have the same identity.',
    meaning:
      'The boot program cannot tell them apart, so chance decides which kernel starts. After a kernel update that can be the old one, without its drivers. Two such cards plugged in at once are confused in the same way. Your changes are untouched.',
    remedy: 'repair',
  },
} as const satisfies FindingKinds

/** About the two partitions that hold the system, and their kernels. */
const systemKinds = {
  'system-partition-unreadable': {
    severity: 'error',
    title: 'The system partition cannot be read.',
    meaning:
      'The system does not start. Your changes lie in another partition; save them with a backup before the card is written again.',
    remedy: 'backup',
  },
  'spare-kernel-damaged': {
    severity: 'warning',
    title: 'The kernel of the repair entry is missing or damaged.',
    meaning:
      'The system starts as usual. If the kernel partition is ever damaged, the repair entry of the boot menu is no way out.',
    remedy: null,
  },
  'system-larger-than-partition': {
    severity: 'warning',
    title: 'The system is larger than its partition.',
    meaning: 'Its end is missing. That can be unused filling, so the system may work; a part of it can also be lost.',
    remedy: 'backup',
  },
  'system-image-damaged': {
    severity: 'error',
    title: 'The compressed system is damaged or cut off.',
    meaning:
      'The system does not start, or programs fail at some point. Your changes lie in another partition; save them with a backup before the card is written again.',
    remedy: 'backup',
  },
  'kernel-partition-unreadable': {
    severity: 'error',
    title: 'The kernel partition cannot be read.',
    meaning:
      'The usual start fails. The repair entry of the boot menu starts the kernel that came with the system. Your changes are untouched.',
    remedy: 'repair',
  },
  'kernel-partition-incomplete': {
    severity: 'error',
    title: 'The kernel partition is incomplete.',
    meaning:
      'This happens when the power fails during an update. The usual start fails; the repair entry of the boot menu starts the kernel that came with the system. Your changes are untouched.',
    remedy: 'repair',
  },
  'kernel-partition-stale': {
    severity: 'warning',
    title: 'The kernel that starts is not the one that was installed last.',
    meaning:
      'The system starts with the older kernel. What the update was to mend, security for one, is not in use. This happens when the kernel partition could not be written.',
    remedy: 'repair',
  },
  'kernel-without-modules': {
    severity: 'error',
    title: 'The kernel that starts has no drivers on this card.',
    meaning:
      'The system starts, but most devices stay unknown: wireless, sound, some disks. This happens when the changes are deleted after a kernel update. Nothing else is lost.',
    remedy: 'repair',
  },
  'spare-kernel-without-modules': {
    severity: 'warning',
    title: 'The kernel of the other boot entry has no drivers on this card.',
    meaning: 'The system starts as usual. The other entry of the boot menu starts too, but most devices stay unknown in it.',
    remedy: null,
  },
  'kernel-updated': {
    severity: 'info',
    title: 'The kernel was updated since the card was made.',
    meaning:
      'This is as it should be: its drivers lie among your changes. A backup needs both; deleting the changes needs the kernel partition set back.',
    remedy: null,
  },
} as const satisfies FindingKinds

/** About the partition for changes. */
const persistenceKinds = {
  'persistence-missing': {
    severity: 'error',
    title: 'There is no partition for your changes.',
    meaning: 'The system starts, but forgets everything when it is switched off.',
    remedy: null,
  },
  'persistence-damaged': {
    severity: 'error',
    title: 'The partition for your changes is damaged.',
    meaning:
      'The system starts without a word about it, shows none of your changes, and saves nothing. They may well be there still: nothing should be written to the card before a repair.',
    remedy: 'repair',
  },
  'persistence-cut-off': {
    severity: 'error',
    title: 'The end of the partition for your changes is missing.',
    meaning:
      'The system starts without a word about it, shows none of your changes, and saves nothing. This happens when a card is copied to a smaller one. What lay in the missing part is lost on this card; the original has it.',
    remedy: 'repair',
  },
  'persistence-label': {
    severity: 'error',
    title: 'The partition for your changes has another name than the system looks for.',
    meaning: 'The system starts, shows none of your changes, and saves nothing. They are there; only the name is wrong.',
    remedy: 'repair',
  },
  'persistence-twice': {
    severity: 'warning',
    title: 'Two partitions on this card are named for your changes.',
    meaning: 'The system mounts both, and which one gets your changes is not certain.',
    remedy: null,
  },
  'persistence-conf-missing': {
    severity: 'error',
    title: 'The file that switches saving on is missing.',
    meaning:
      'The system starts, shows none of your changes, and saves nothing. They are there; the file "persistence.conf" beside them is not.',
    remedy: 'repair',
  },
  'persistence-conf-partial': {
    severity: 'error',
    title: 'The file that switches saving on does not say so for the whole system.',
    meaning: 'The system starts, but saves only what the file names, or nothing. Your changes so far are there.',
    remedy: 'repair',
  },
  'persistence-nearly-full': {
    severity: 'warning',
    title: 'The room for your changes is nearly full.',
    meaning: 'Nothing is lost yet. When it is full, programs cannot save any more, and updates stop halfway.',
    remedy: 'enlarge',
  },
  'persistence-full': {
    severity: 'error',
    title: 'The room for your changes is full.',
    meaning: 'What is saved is there, but nothing new can be saved, and an update that was under way may be incomplete.',
    remedy: 'enlarge',
  },
  'persistence-other-kind': {
    severity: 'info',
    title: 'Your changes lie in a filesystem that Livecard does not look into.',
    meaning:
      'The system can use it. Livecard does not know whether your changes fit the kernel, or whether the system is set to keep them.',
    remedy: null,
  },
  'persistence-encrypted': {
    severity: 'info',
    title: 'Your changes are encrypted.',
    meaning:
      'Livecard cannot look into them, so it does not know how full they are or whether they fit the kernel. That is what encryption is for.',
    remedy: null,
  },
  'persistence-encryption-damaged': {
    severity: 'error',
    title: 'The head of the encrypted partition is damaged.',
    meaning:
      'Without it no passphrase opens your changes. A copy of the head, where there is one, can still help: nothing should be written to the card.',
    remedy: null,
  },
  'changes-in-old-form': {
    severity: 'warning',
    title: 'The changes on this card are in the form of an older system.',
    meaning: 'Systems since 2015 do not see them. They are there, and a system of their time shows them.',
    remedy: 'backup',
  },
  'changes-folder-missing': {
    severity: 'info',
    title: 'No changes have been saved yet.',
    meaning: 'The system makes the folder for them when it starts for the first time.',
    remedy: null,
  },
  'root-password-public': {
    severity: 'warning',
    title: 'The password of the administrator is the published one.',
    meaning: 'Whoever reaches this system over the network can log in with it. Set another one before its next start.',
    remedy: 'customise',
  },
} as const satisfies FindingKinds

/** Every finding on a card of this family, by its id. */
export const lamponeFindings = { ...tableKinds, ...systemKinds, ...persistenceKinds } as const

export type LamponeFinding = keyof typeof lamponeFindings
