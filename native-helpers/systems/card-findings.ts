import type { FindingKinds } from './finding.ts'

/** What is told of any card, whatever system is on it. */
export const cardFindings = {
  'card-unfinished': {
    severity: 'error',
    title: 'This card was being written and is not finished.',
    meaning:
      'Livecard was stopped, failed or lost its power while writing. Nothing starts from this card, and what was on it before is gone.',
    remedy: 'flash',
  },
  'card-empty': {
    severity: 'info',
    title: 'There is nothing on this card.',
    meaning: 'It has no partition table and no filesystem, as after wiping. Nothing starts from it.',
    remedy: 'flash',
  },
  'card-unknown': {
    severity: 'warning',
    title: 'What is on this card is not known.',
    meaning:
      'There is no partition table and no filesystem that Livecard knows. It may be encrypted as a whole, be of another kind, or have lost its beginning.',
    remedy: null,
  },
  'folder-unknown': {
    severity: 'info',
    title: 'There is no system in this folder that is known.',
    meaning:
      'It holds files, and none by which Livecard recognises a stick. Where a stick has several partitions, another one may be mounted elsewhere.',
    remedy: null,
  },
  'card-cut-off': {
    severity: 'error',
    title: 'The card ends before its last partition does.',
    meaning:
      'An image was copied incompletely, or written to a card that is too small. What lay behind the end is missing; a system on it may start and then lose what it saves.',
    remedy: 'flash',
  },
  'card-unread': {
    severity: 'error',
    title: 'A part of the card cannot be read.',
    meaning: 'The card reports errors there. It is wearing out or badly connected; copy off what matters before anything else.',
    remedy: 'backup',
  },
  'card-unused-tail': {
    severity: 'info',
    title: 'A part of the card is not used.',
    meaning: 'The image was made for a smaller card. The room behind the last partition can be given to the system.',
    remedy: 'enlarge',
  },
  'system-unread': {
    severity: 'warning',
    title: 'One of the systems that Livecard knows could not be looked for.',
    meaning: 'Something on the card is damaged in a way that kept Livecard from telling what it is. The rest of this report holds.',
    remedy: null,
  },
  'system-incomplete': {
    severity: 'error',
    title: 'The system on this card could not be described.',
    meaning:
      'It was recognised, but something that belongs to it is damaged in a way that kept Livecard from reading on. The rest of this report holds.',
    remedy: null,
  },
  'table-damaged': {
    severity: 'error',
    title: 'The partition table is damaged, and so is its copy.',
    meaning: 'No system finds the partitions any more, though what lies in them may be whole.',
    remedy: 'repair',
  },
  'table-primary-damaged': {
    severity: 'error',
    title: 'The first copy of the partition table is damaged.',
    meaning: 'The copy at the end is whole and was used here, but most firmware reads only the first: the card may not start.',
    remedy: 'repair',
  },
  'table-backup-damaged': {
    severity: 'warning',
    title: 'The second copy of the partition table is damaged or missing.',
    meaning: 'The card works as it is. If the first copy is damaged too one day, the partitions cannot be found again.',
    remedy: 'repair',
  },
  'table-backup-not-at-end': {
    severity: 'info',
    title: 'The second copy of the partition table is not at the end of the card.',
    meaning: 'So it is after an image was written to a larger card. It does no harm; it moves when the last partition is enlarged.',
    remedy: 'enlarge',
  },
  'table-copies-differ': {
    severity: 'warning',
    title: 'The two copies of the partition table differ.',
    meaning: 'A change of the table was interrupted. The first copy is what systems use.',
    remedy: 'repair',
  },
  'table-not-announced': {
    severity: 'warning',
    title: 'The first sector does not announce the partition table.',
    meaning: 'The table itself is whole, but Linux and most firmware overlook it without that entry.',
    remedy: 'repair',
  },
  'table-overlap': {
    severity: 'error',
    title: 'Two partitions overlap.',
    meaning: 'What is saved in one of them overwrites the other.',
    remedy: null,
  },
  'table-placement': {
    severity: 'error',
    title: 'A partition lies where none can be.',
    meaning: 'Systems refuse such a partition, or damage the table when they write to it.',
    remedy: null,
  },
  'table-logical-damaged': {
    severity: 'error',
    title: 'The chain of logical partitions is damaged.',
    meaning: 'The partitions behind the break are not found, though what lies in them may be whole.',
    remedy: null,
  },
  'volume-ambiguous': {
    severity: 'warning',
    title: 'A partition carries the marks of two filesystems.',
    meaning: 'Whoever made the newer one did not wipe the older. Systems refuse to mount it by its label or UUID.',
    remedy: null,
  },
  'volume-cut-off': {
    severity: 'error',
    title: 'A filesystem is larger than its place.',
    meaning:
      'The end of it is missing: an image was copied incompletely, or the partition was made smaller than what lies in it. It may not mount, or lose data.',
    remedy: null,
  },
  'volume-damaged': {
    severity: 'error',
    title: 'A filesystem is damaged.',
    meaning: 'Its own description of itself does not make sense, or its checksum is wrong. It may not mount.',
    remedy: 'repair',
  },
  'volume-features': {
    severity: 'info',
    title: 'A filesystem has features that Livecard does not know.',
    meaning: 'It may be perfectly well, but its files cannot be looked at here.',
    remedy: null,
  },
  'fat-dirty': {
    severity: 'info',
    title: 'A FAT volume was not taken out properly.',
    meaning:
      'It was in use when the power went or the stick was pulled. Mostly nothing is lost, but the mark stays until the volume is checked.',
    remedy: 'repair',
  },
  'ext-errors': {
    severity: 'error',
    title: 'A Linux filesystem notes that errors were found in it.',
    meaning: 'The system met damage while it ran. Until it is checked, files may be missing, and more may be lost with every use.',
    remedy: 'repair',
  },
  'ext-needs-recovery': {
    severity: 'warning',
    title: 'A Linux filesystem was not unmounted.',
    meaning:
      'Its journal holds changes that are carried out at the next mount. A system that mounts it read-only without that sees an older state.',
    remedy: 'repair',
  },
  'ext-not-unmounted': {
    severity: 'warning',
    title: 'A Linux filesystem without a journal was not unmounted.',
    meaning: 'What was saved last may be incomplete; it has to be checked before it is used.',
    remedy: 'repair',
  },
  'btrfs-unclean': {
    severity: 'info',
    title: 'A btrfs volume was not unmounted.',
    meaning: 'A log of the last changes waits, and is carried out at the next mount.',
    remedy: null,
  },
  'btrfs-copies': {
    severity: 'warning',
    title: 'A copy of the superblock of a btrfs volume is damaged or old.',
    meaning: 'Another copy is whole, so that the volume can be used; the damage hints at a failing card or an interrupted write.',
    remedy: null,
  },
  'btrfs-devices': {
    severity: 'info',
    title: 'A btrfs volume is spread over several devices.',
    meaning: 'It can be used only where all of them are plugged in.',
    remedy: null,
  },
  'luks-header': {
    severity: 'warning',
    title: 'One of the two headers of an encrypted volume is damaged.',
    meaning: 'It still opens with its passphrase. If the other header is lost too, nothing can open it any more.',
    remedy: null,
  },
} as const satisfies FindingKinds
