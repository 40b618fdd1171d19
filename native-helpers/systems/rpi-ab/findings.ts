import type { FindingKinds } from '../finding.ts'

const slotRepair = 'Copying the other slot over it makes it whole again, where that one is sound.'

/** Everything that can be said of an A/B card. The ids are part of what `inspect --json` promises. */
export const abFindings = {
  'ab-names': {
    severity: 'error',
    title: 'Partitions do not have the names that the system looks for.',
    meaning: 'The system finds its slots by these names alone, so that it may start the wrong one, or none.',
    remedy: 'repair',
  },
  'ab-partition-missing': {
    severity: 'error',
    title: 'A partition of the system is missing.',
    meaning: 'What stood there is not on the card any more; the slot that needs it does not start.',
    remedy: 'restore',
  },
  'ab-bootconfig-unreadable': {
    severity: 'error',
    title: 'The partition with the boot choice cannot be read.',
    meaning: 'The board does not learn which slot it has to start. Both slots and your files may be whole.',
    remedy: 'repair',
  },
  'ab-bootconfig-label': {
    severity: 'error',
    title: 'The partition with the boot choice has another label than the system looks for.',
    meaning: 'The system mounts it by its label. Without it the start stops, or updates cannot change the slot.',
    remedy: 'repair',
  },
  'ab-bootconfig-fat32': {
    severity: 'warning',
    title: 'The board may not find the boot choice.',
    meaning: 'A FAT32 volume this small is taken for FAT16 by the board’s boot program, which then does not see autoboot.txt.',
    remedy: 'repair',
  },
  'ab-autoboot-missing': {
    severity: 'error',
    title: 'The boot choice, autoboot.txt, is missing.',
    meaning: 'The board starts whatever it finds first, if anything; changing slots and trial starts do not work.',
    remedy: 'repair',
  },
  'ab-autoboot-long': {
    severity: 'error',
    title: 'The boot choice, autoboot.txt, is too long.',
    meaning: 'The board reads no more than 512 bytes of it and may miss the slot it has to start.',
    remedy: 'repair',
  },
  'ab-autoboot-invalid': {
    severity: 'error',
    title: 'The boot choice, autoboot.txt, names no slot of this card.',
    meaning: 'The board looks for its start files in a partition that has none and starts another one, or nothing.',
    remedy: 'repair',
  },
  'ab-autoboot-same': {
    severity: 'warning',
    title: 'The trial start leads to the slot that starts anyway.',
    meaning: 'An update cannot be tried before it is kept, because both entries of autoboot.txt name the same slot.',
    remedy: 'repair',
  },
  'ab-autoboot-no-trial': {
    severity: 'warning',
    title: 'The boot choice, autoboot.txt, allows no trial start.',
    meaning: 'The system starts, but an update cannot be tried before it is kept.',
    remedy: 'repair',
  },
  'ab-autoboot-filter': {
    severity: 'warning',
    title: 'The boot choice, autoboot.txt, has sections that the board ignores.',
    meaning: 'Only [all], [none] and [tryboot] count there; what stands in other sections has no effect.',
    remedy: 'repair',
  },
  'ab-autoboot-broken-slot': {
    severity: 'error',
    title: 'The card starts a slot that cannot start.',
    meaning: 'The other slot is whole. Choosing it brings the system back; your files are the same in both.',
    remedy: 'switch',
  },
  'ab-no-slot-starts': {
    severity: 'error',
    title: 'Neither slot can start.',
    meaning: 'The board cannot start from this card. Your files lie in a partition of their own and may be whole: save them first.',
    remedy: 'backup',
  },
  'ab-boot-unreadable': {
    severity: 'error',
    title: 'The start files of a slot cannot be read.',
    meaning: `This slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-firmware-missing': {
    severity: 'error',
    title: 'A slot has neither config.txt nor start4.elf.',
    meaning: `The board does not take its partition for one to start from. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-kernel-missing': {
    severity: 'error',
    title: 'A slot has no kernel.',
    meaning: `This slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-kernel-damaged': {
    severity: 'error',
    title: 'The kernel of a slot is damaged.',
    meaning: `This slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-initramfs-missing': {
    severity: 'error',
    title: 'A slot lacks the small system that its kernel starts with.',
    meaning: `Only that one finds the partition of the slot, so that this slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-initramfs-damaged': {
    severity: 'error',
    title: 'The small system that a kernel starts with is damaged.',
    meaning: `This slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-cmdline-missing': {
    severity: 'error',
    title: 'A slot does not tell its kernel where the system is.',
    meaning: `Without cmdline.txt this slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-cmdline-root': {
    severity: 'warning',
    title: 'A slot names its system by a fixed place.',
    meaning: 'After an update that fills the other slot, the kernel of one slot can run with the system of the other.',
    remedy: 'repair',
  },
  'ab-root-unreadable': {
    severity: 'error',
    title: 'The system of a slot cannot be read.',
    meaning: `This slot does not start, and a board that tries it restarts again and again. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-root-checksum': {
    severity: 'error',
    title: 'The system of a slot has a wrong checksum.',
    meaning: `The kernel refuses to mount it, so that this slot does not start. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-root-no-system': {
    severity: 'error',
    title: 'The partition of a slot holds no system.',
    meaning: `There is a file system, but neither a name nor a start program in it. ${slotRepair}`,
    remedy: 'repair',
  },
  'ab-modules-missing': {
    severity: 'error',
    title: 'A slot’s kernel and its system do not belong together.',
    meaning: 'The system starts without the drivers that are no part of the kernel: network, USB and more may be missing.',
    remedy: 'repair',
  },
  'ab-slots-equal': {
    severity: 'info',
    title: 'Both slots hold the same system.',
    meaning: 'The card is as it was made, or one slot was copied to the other. The other slot is a spare one.',
    remedy: null,
  },
  'ab-slots-differ': {
    severity: 'info',
    title: 'The slots hold different systems.',
    meaning: 'An update was installed into one of them. The other one is what the card can go back to.',
    remedy: null,
  },
  'ab-rollback-ready': {
    severity: 'info',
    title: 'The other slot is ready to start.',
    meaning: 'If the system fails, the card can go back to it.',
    remedy: 'switch',
  },
  'ab-rollback-not-ready': {
    severity: 'warning',
    title: 'There is no slot to go back to.',
    meaning: 'The system starts, but should it fail there is no second one.',
    remedy: 'repair',
  },
  'ab-encrypted': {
    severity: 'info',
    title: 'A part of the card is encrypted.',
    meaning:
      'Only the board that made it can open it, so that its content cannot be checked here. It can be saved as it is, for the same board and card.',
    remedy: null,
  },
  'ab-data-missing': {
    severity: 'error',
    title: 'The partition with your files is missing.',
    meaning: 'The system starts without its settings, accounts and logs, or stops while it waits for them.',
    remedy: 'restore',
  },
  'ab-data-unreadable': {
    severity: 'error',
    title: 'The partition with your files cannot be read.',
    meaning: 'The system starts without its settings, accounts and logs, or stops while it waits for them.',
    remedy: 'repair',
  },
  'ab-data-nearly-full': {
    severity: 'warning',
    title: 'There is little room left for your files.',
    meaning: 'When it is full, services fail and updates do not install.',
    remedy: 'enlarge',
  },
  'ab-data-full': {
    severity: 'error',
    title: 'There is no room left for your files.',
    meaning: 'Nothing can be saved any more; services fail, also while the system starts.',
    remedy: 'enlarge',
  },
  'ab-skeleton': {
    severity: 'error',
    title: 'Folders that the system needs are missing among your files.',
    meaning: 'What is kept there is lost at each restart, because the system then keeps it in memory only.',
    remedy: 'repair',
  },
  'ab-var-emptied': {
    severity: 'warning',
    title: 'The /var of a slot was emptied.',
    meaning: 'The slot starts, but what its services keep there is gone, and so is the list of installed packages.',
    remedy: 'restore',
  },
  'ab-machine-id-missing': {
    severity: 'warning',
    title: 'The card has lost its machine number.',
    meaning:
      'The system makes a new one when it starts: logs begin anew, and servers that know it by the number take it for another machine.',
    remedy: 'repair',
  },
  'ab-machine-id-invalid': {
    severity: 'error',
    title: 'The machine number is no valid one.',
    meaning: 'It has to be 32 hexadecimal digits. With another one the log and the network services of the system fail.',
    remedy: 'repair',
  },
  'ab-not-started': {
    severity: 'info',
    title: 'This card has not been started yet.',
    meaning: 'It gets its machine number and its log at the first start.',
    remedy: null,
  },
  'ab-journal-budget': {
    severity: 'warning',
    title: 'The log is larger than the system allows it to be.',
    meaning: 'The oldest entries are removed when the system runs; where that does not happen, it takes the room of your files.',
    remedy: 'reset',
  },
} as const satisfies FindingKinds
