import type { FindingKinds } from '../finding.ts'

const rootRepair = 'Copying the other root over it, with a UUID of its own, makes it whole again, where that one is sound.'

/** Everything that can be said of a card of tmpfsroot-fedora. The ids are part of what `inspect --json` promises. */
export const tmpfsrootFindings = {
  'tmpfsroot-root-missing': {
    severity: 'error',
    title: 'One of the two roots is missing.',
    meaning: 'The boot menu looks for it by a number that no partition has. Its entry does not start.',
    remedy: 'repair',
  },
  'tmpfsroot-root-twice': {
    severity: 'error',
    title: 'Two partitions claim to be the same root.',
    meaning: 'The boot menu takes whichever it finds first, so that an old system may start instead of the new one.',
    remedy: 'repair',
  },
  'tmpfsroot-persist-missing': {
    severity: 'error',
    title: 'The partition with the settings that are kept is missing.',
    meaning: 'The system waits for it when it starts, and stops.',
    remedy: 'restore',
  },
  'tmpfsroot-log-missing': {
    severity: 'error',
    title: 'The partition for the log is missing.',
    meaning: 'The system waits for it when it starts, and stops.',
    remedy: 'repair',
  },
  'tmpfsroot-volume-twice': {
    severity: 'error',
    title: 'Two partitions have the same number.',
    meaning: 'The system mounts whichever it finds first: what it saves may go to the wrong one.',
    remedy: 'repair',
  },
  'tmpfsroot-partition-3': {
    severity: 'warning',
    title: 'Partition 3 is not the log.',
    meaning:
      'When the card is /dev/sda, the system checks partition 3 at each start and formats it as the log if it is no sound ext4. What lies there is lost then, and the log itself is never put right.',
    remedy: 'backup',
  },
  'tmpfsroot-esp-missing': {
    severity: 'error',
    title: 'The partition with the boot menu is missing or cannot be read.',
    meaning: 'The computer finds nothing to start from. The systems themselves may be whole.',
    remedy: 'repair',
  },
  'tmpfsroot-esp-name': {
    severity: 'warning',
    title: 'The partition with the boot menu is not found by its name.',
    meaning: 'The system starts, but it cannot keep an update: the next start takes the old root again.',
    remedy: 'repair',
  },
  'tmpfsroot-menu-missing': {
    severity: 'error',
    title: 'The boot menu is missing.',
    meaning: 'The computer stops at a command line instead of starting the system.',
    remedy: 'repair',
  },
  'tmpfsroot-menu-uuid': {
    severity: 'error',
    title: 'The boot menu names a root that is not on the card.',
    meaning: 'That entry does not start.',
    remedy: 'repair',
  },
  'tmpfsroot-menu-entry-missing': {
    severity: 'warning',
    title: 'The boot menu lacks an entry for one of the roots.',
    meaning: 'That root cannot be started, and an update that was put there is never used.',
    remedy: 'repair',
  },
  'tmpfsroot-menu-argument': {
    severity: 'error',
    title: 'An entry of the boot menu starts one root with the system of the other.',
    meaning:
      'The kernel of one root runs with the files of the other: drivers may be missing, and a saved choice means the wrong one.',
    remedy: 'repair',
  },
  'tmpfsroot-grubenv-missing': {
    severity: 'warning',
    title: 'The place where the choice of the root is kept is missing.',
    meaning: 'The first entry starts each time, and an update cannot be kept.',
    remedy: 'repair',
  },
  'tmpfsroot-grubenv-damaged': {
    severity: 'error',
    title: 'The place where the choice of the root is kept is damaged.',
    meaning: 'GRUB does not read it: the first entry starts each time, and an update cannot be kept.',
    remedy: 'repair',
  },
  'tmpfsroot-grubenv-entry': {
    severity: 'warning',
    title: 'The choice that is kept names no root.',
    meaning: 'The first entry starts instead.',
    remedy: 'switch',
  },
  'tmpfsroot-trial-pending': {
    severity: 'warning',
    title: 'The next start is a trial of the other root.',
    meaning: 'It is kept only if all required services then run; the start after it goes back to the saved root otherwise.',
    remedy: 'switch',
  },
  'tmpfsroot-trial-broken': {
    severity: 'error',
    title: 'The next start is a trial of a root that cannot start.',
    meaning: 'That start fails; the one after it takes the saved root again.',
    remedy: 'switch',
  },
  'tmpfsroot-saved-broken': {
    severity: 'error',
    title: 'The card starts a root that cannot start.',
    meaning: 'The other root is whole. Choosing it brings the system back.',
    remedy: 'switch',
  },
  'tmpfsroot-no-root-starts': {
    severity: 'error',
    title: 'Neither root can start.',
    meaning:
      'The computer cannot start from this card. What you keep lies in partitions of its own and may be whole: save it first.',
    remedy: 'backup',
  },
  'tmpfsroot-fallback-ready': {
    severity: 'info',
    title: 'The other root is ready to start.',
    meaning: 'If the system fails, the card can go back to it.',
    remedy: 'switch',
  },
  'tmpfsroot-fallback-empty': {
    severity: 'info',
    title: 'The other root is empty.',
    meaning: 'So it is until the first update. Until then there is no system to go back to.',
    remedy: null,
  },
  'tmpfsroot-fallback-broken': {
    severity: 'warning',
    title: 'There is no root to go back to.',
    meaning: `The system starts, but should it fail there is no second one. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-root-unreadable': {
    severity: 'error',
    title: 'A root cannot be read.',
    meaning: `It does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-root-replay': {
    severity: 'error',
    title: 'A root was not left cleanly, and starts as if its last changes had not been made.',
    meaning: 'The system copies it into memory without carrying out its journal. What was written last is missing or half there.',
    remedy: 'repair',
  },
  'tmpfsroot-root-errors': {
    severity: 'error',
    title: 'A root has errors.',
    meaning: 'Damage was noticed in it. What is copied into memory at the start may be incomplete.',
    remedy: 'repair',
  },
  'tmpfsroot-root-no-system': {
    severity: 'error',
    title: 'A root holds something, but no system.',
    meaning: `It has no name and no start program, and does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-kernel-missing': {
    severity: 'error',
    title: 'A root has no kernel.',
    meaning: `Its entry in the boot menu does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-kernel-damaged': {
    severity: 'error',
    title: 'The kernel of a root is damaged.',
    meaning: `It does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-initramfs-missing': {
    severity: 'error',
    title: 'A root lacks the small system that its kernel starts with.',
    meaning: `Only that one copies the root into memory, so that it does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-initramfs-damaged': {
    severity: 'error',
    title: 'The small system that a kernel starts with is damaged.',
    meaning: `The root does not start. ${rootRepair}`,
    remedy: 'repair',
  },
  'tmpfsroot-modules-missing': {
    severity: 'error',
    title: 'The kernel of a root and its system do not belong together.',
    meaning: 'The system starts without the drivers that are no part of the kernel: network, USB and more may be missing.',
    remedy: 'repair',
  },
  'tmpfsroot-root-too-large': {
    severity: 'error',
    title: 'A root does not fit into the memory that it is copied to.',
    meaning: 'The copy breaks off, and the start with it. The size stands in the boot menu, as tmpfsroot.size.',
    remedy: 'repair',
  },
  'tmpfsroot-root-tight': {
    severity: 'warning',
    title: 'A root nearly fills the memory that it is copied to.',
    meaning: 'Little is left for what the running system writes; when it is full, services fail.',
    remedy: 'repair',
  },
  'tmpfsroot-provisioning': {
    severity: 'warning',
    title: 'The first start of this card was never completed.',
    meaning: 'The keys by which others know this computer are not made yet; the next start makes them.',
    remedy: null,
  },
  'tmpfsroot-volume-unreadable': {
    severity: 'error',
    title: 'A partition that the system mounts cannot be read.',
    meaning: 'The system waits for it when it starts, or starts without what is kept there.',
    remedy: 'repair',
  },
  'tmpfsroot-volume-full': {
    severity: 'warning',
    title: 'A partition is nearly full.',
    meaning: 'When it is full, services that save there fail.',
    remedy: 'reset',
  },
} as const satisfies FindingKinds
