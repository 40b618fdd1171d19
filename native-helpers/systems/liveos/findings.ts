import type { FindingKinds } from '../finding.ts'

const storeKinds = {
  'overlay-invalid': {
    severity: 'error',
    title: 'The overlay, where your changes are kept, is marked as invalid.',
    meaning:
      'The system does not start with it: it stops with "can\'t read superblock". Your files are still in the overlay; it became full at a moment when the system gives it up as a whole.',
    remedy: 'repair',
  },
  'overlay-full': {
    severity: 'error',
    title: 'The overlay, where your changes are kept, is full.',
    meaning:
      'Nothing new is saved, even where the system says it was: what was written last is already lost. Every further start may damage more, so repair it before you use the stick again.',
    remedy: 'repair',
  },
  'overlay-nearly-full': {
    severity: 'warning',
    title: 'The overlay, where your changes are kept, is nearly full.',
    meaning:
      'When it is full, the system saves nothing more and may not start again. Deleting files in the system does not help: the overlay never gives room back.',
    remedy: 'enlarge',
  },
  'overlay-replay-no-room': {
    severity: 'error',
    title: 'The overlay has no room left to finish what was being saved.',
    meaning:
      'The system did not stop cleanly, and must first carry out its journal when it starts. There is too little room for that: the start fails, and makes the damage worse. Enlarge it before anything else writes to it.',
    remedy: 'repair',
  },
  'overlay-trap-size': {
    severity: 'warning',
    title: 'The overlay has one of the sizes at which it becomes invalid instead of full.',
    meaning:
      'With its last free place Linux writes behind its end and gives up the whole overlay; then the system does not start. One more mebibyte avoids it.',
    remedy: 'enlarge',
  },
  'overlay-damaged': {
    severity: 'error',
    title: 'The list of changes in the overlay is damaged.',
    meaning:
      'Some of what was changed is not found, or an old state is seen in its place. What is sound can be saved; do not start from the stick before.',
    remedy: 'repair',
  },
  'overlay-cut-off': {
    severity: 'error',
    title: 'The overlay ends before its list of changes does.',
    meaning:
      'The file was cut off, or copied incompletely. Linux refuses it, so that the system does not start; what lies in the part that is left can be saved.',
    remedy: 'repair',
  },
  'overlay-header': {
    severity: 'error',
    title: 'The overlay does not begin as one that Linux would take.',
    meaning: 'The system does not start with it. Its beginning was overwritten, or the file never was an overlay.',
    remedy: 'reset',
  },
  'overlay-empty': {
    severity: 'info',
    title: 'The overlay has not been used yet.',
    meaning: 'It holds only zeros; the first start makes an empty list of changes in it.',
    remedy: null,
  },
  'overlay-other-base': {
    severity: 'error',
    title: 'The overlay does not belong to the system image on this stick.',
    meaning:
      'It holds changes to another image, and together they make a damaged system. Put the image back with which it was made, before the stick is started; if there is none any more, only a reset helps.',
    remedy: 'reset',
  },
  'overlay-flat-base': {
    severity: 'error',
    title: 'The overlay is of a kind that cannot work with this system image.',
    meaning:
      'It is a list of changed blocks, and this image has no filesystem of its own to change blocks of. The system starts without it and forgets everything at the end. If it holds files of an earlier image, put that image back; emptying it does not help.',
    remedy: null,
  },
  'overlay-size-limit': {
    severity: 'info',
    title: 'The overlay is as large as a file on this stick can be.',
    meaning:
      'A FAT volume holds no file of 4 GiB or more, so it cannot be enlarged any further where it is. Changes that are a list of blocks can be folded into the system image with "merge", after which all of this room is free again.',
    remedy: null,
  },
} as const satisfies FindingKinds

const filesystemKinds = {
  'overlay-filesystem-damaged': {
    severity: 'error',
    title: "The system's own filesystem is damaged.",
    meaning: 'The system met errors in it, or it cannot be read. Files may be missing, and more may be lost with every start.',
    remedy: 'repair',
  },
  'overlay-filesystem-journal': {
    severity: 'info',
    title: 'The system was switched off without shutting down.',
    meaning:
      'Its journal holds the last changes, which are carried out at the next start. What you see here takes them into account.',
    remedy: null,
  },
  'overlay-filesystem-full': {
    severity: 'warning',
    title: "The system's own filesystem is nearly full.",
    meaning: 'Programs fail to save and updates stop in the middle. Here deleting files does help.',
    remedy: null,
  },
} as const satisfies FindingKinds

const folderKinds = {
  'overlay-image-folders': {
    severity: 'error',
    title: 'The overlay image lacks the folders that the system looks for.',
    meaning:
      'Without "overlayfs" and "ovlwork" in it the system passes it over, asks once at the start, and forgets everything at the end.',
    remedy: 'repair',
  },
  'overlay-image-damaged': {
    severity: 'error',
    title: 'The filesystem in the overlay image is damaged.',
    meaning: 'The system met errors in it, or cannot read it. What is saved there may be lost.',
    remedy: 'repair',
  },
  'overlay-image-nearly-full': {
    severity: 'warning',
    title: 'The overlay image is nearly full.',
    meaning: 'When it is full, the system can save nothing more. Deleting files in the system gives room back here.',
    remedy: 'enlarge',
  },
  'overlay-image-full': {
    severity: 'error',
    title: 'The overlay image is full.',
    meaning: 'The system can save nothing more. Deleting files in the system gives room back here.',
    remedy: 'enlarge',
  },
  'overlay-work-missing': {
    severity: 'error',
    title: 'The folder "ovlwork" beside the overlay is missing.',
    meaning:
      'The system passes the overlay over without it, asks once at the start, and forgets everything at the end. Your changes are still in the overlay.',
    remedy: 'repair',
  },
  'overlay-host-filesystem': {
    severity: 'error',
    title: 'The overlay is a folder, on a filesystem that cannot hold one.',
    meaning:
      'FAT and NTFS keep no owners, rights and deletion marks. The system starts without the overlay and forgets everything at the end.',
    remedy: null,
  },
  'stick-full': {
    severity: 'error',
    title: 'The stick is full.',
    meaning:
      'Your changes are saved as files on the stick itself, so nothing more can be saved. Deleting files in the system, or on the stick, gives room back.',
    remedy: null,
  },
  'stick-nearly-full': {
    severity: 'warning',
    title: 'The stick is nearly full.',
    meaning:
      'Your changes are saved as files on the stick itself, and they stop fitting when it is full. Deleting files gives room back.',
    remedy: null,
  },
} as const satisfies FindingKinds

const stickKinds = {
  'overlay-name': {
    severity: 'error',
    title: 'The name of the overlay does not fit the stick any more.',
    meaning:
      'The system looks for the overlay by the label and the UUID of the stick. The stick was renamed or its files were copied to another one: it starts without your changes and forgets everything at the end.',
    remedy: 'repair',
  },
  'overlay-missing': {
    severity: 'warning',
    title: 'The boot menu asks for an overlay that is not there.',
    meaning: 'The system asks once at the start, then runs in memory and forgets everything at the end.',
    remedy: null,
  },
  'overlay-not-used': {
    severity: 'warning',
    title: 'There is an overlay, but the boot menu does not ask for it.',
    meaning: 'The system starts without your changes and forgets everything at the end.',
    remedy: 'repair',
  },
  'overlay-menu-reset': {
    severity: 'error',
    title: 'The boot menu empties the overlay at every start.',
    meaning: 'What you save is gone after the next start.',
    remedy: 'repair',
  },
  'overlay-menu-readonly': {
    severity: 'info',
    title: 'The boot menu uses the overlay for reading only.',
    meaning: 'You see what was saved before; what you change now is forgotten at the end.',
    remedy: null,
  },
  'liveos-image-damaged': {
    severity: 'error',
    title: 'The system image is damaged or incomplete.',
    meaning:
      'The system does not start, or stops in the middle. Your changes lie in another file; they are of use only with the same image.',
    remedy: 'flash',
  },
  'liveos-image-unread': {
    severity: 'info',
    title: 'The system image cannot be looked into here.',
    meaning: 'It may be perfectly well; what it holds and what your changes do to it is not told in this report.',
    remedy: null,
  },
  'liveos-image-empty': {
    severity: 'error',
    title: 'There is no system in the system image.',
    meaning: 'It holds neither a root filesystem nor the tree of one, so that nothing starts from it.',
    remedy: 'flash',
  },
  'liveos-image-name': {
    severity: 'info',
    title: 'The system image uses a name that new start-up programs have given up.',
    meaning:
      'The stick starts with the programs that it carries. If they are replaced by those of 2026 or later, they do not find "ext3fs.img".',
    remedy: null,
  },
  'liveos-file-damaged': {
    severity: 'error',
    title: 'A file of the live system cannot be read from the stick.',
    meaning:
      'The stick reports errors there, or its filesystem does not know any more where the file lies. Copy what can be read before anything is written to it.',
    remedy: null,
  },
} as const satisfies FindingKinds

const menuKinds = {
  'liveos-host-unread': {
    severity: 'info',
    title: 'The filesystem with the live system is of a kind whose files are not looked at here.',
    meaning: 'It may be perfectly well. What it holds, and how full the changes are, is not told in this report.',
    remedy: null,
  },
  'liveos-menu-missing': {
    severity: 'error',
    title: 'There is no boot menu on the stick.',
    meaning: 'No computer starts from it. Your changes are not touched by that.',
    remedy: 'flash',
  },
  'liveos-menu-root': {
    severity: 'error',
    title: 'The boot menu looks for the system on another stick.',
    meaning:
      'The start stops and says that the live system was not found. The stick was renamed, or its files were copied to another one.',
    remedy: 'repair',
  },
  'liveos-menu-folder': {
    severity: 'error',
    title: 'The boot menu looks for the system in a folder that is not there.',
    meaning: 'The start stops and says that the system image was not found.',
    remedy: 'repair',
  },
  'liveos-menu-overlay': {
    severity: 'error',
    title: 'The boot menu looks for the overlay on another stick.',
    meaning: 'The system asks once at the start, then runs in memory without your changes and forgets everything at the end.',
    remedy: 'repair',
  },
  'liveos-menu-kernel': {
    severity: 'error',
    title: 'The boot menu names a kernel that is not there.',
    meaning: 'This entry does not start. Your changes are not touched by that.',
    remedy: 'flash',
  },
  'liveos-menu-initrd': {
    severity: 'error',
    title: 'The boot menu names a start-up image (initrd) that is not there.',
    meaning: 'This entry does not start. Your changes are not touched by that.',
    remedy: 'flash',
  },
  'liveos-kernel-damaged': {
    severity: 'error',
    title: 'A kernel on the stick is damaged or incomplete.',
    meaning: 'The entries of the boot menu that use it do not start.',
    remedy: 'flash',
  },
  'liveos-initrd-damaged': {
    severity: 'error',
    title: 'A start-up image (initrd) on the stick is damaged or incomplete.',
    meaning: 'The entries of the boot menu that use it stop early.',
    remedy: 'flash',
  },
  'liveos-modules-missing': {
    severity: 'warning',
    title: 'The system has no modules for the kernel that starts it.',
    meaning: 'It starts, but much hardware does not work: only what the start-up image carries.',
    remedy: null,
  },
  'liveos-kernel-update': {
    severity: 'info',
    title: 'A kernel was updated in the system, but the stick starts the old one.',
    meaning:
      'The boot menu takes its kernel from the stick, not from the system. An update of it costs room in the overlay and has no effect.',
    remedy: null,
  },
  'liveos-not-active': {
    severity: 'info',
    title: 'No partition of the stick is marked as bootable.',
    meaning: 'Older computers, which start without UEFI, pass the stick over.',
    remedy: null,
  },
} as const satisfies FindingKinds

const homeKinds = {
  'home-damaged': {
    severity: 'error',
    title: 'The home image, where your own files are kept, is damaged.',
    meaning:
      'The system cannot open it, and starts with an empty home. Make a copy of the file "home.img" before anything tries to repair it.',
    remedy: 'repair',
  },
  'home-cut-off': {
    severity: 'error',
    title: 'The home image is shorter than the filesystem in it.',
    meaning: 'The file was cut off, or copied incompletely. What lay behind its end is missing; the rest can be saved.',
    remedy: 'repair',
  },
  'home-header': {
    severity: 'warning',
    title: 'One of the two headers of the encrypted home image is damaged.',
    meaning: 'It still opens with its passphrase. If the other header is lost too, nothing can open it any more.',
    remedy: null,
  },
  'home-journal': {
    severity: 'info',
    title: 'The home image was not closed properly.',
    meaning: 'Its journal holds the last changes, which are carried out when it is opened next.',
    remedy: null,
  },
  'home-nearly-full': {
    severity: 'warning',
    title: 'The home image is nearly full.',
    meaning: 'When it is full, you can save no more of your own files. Deleting files gives room back.',
    remedy: 'enlarge',
  },
  'home-full': {
    severity: 'error',
    title: 'The home image is full.',
    meaning: 'No more of your own files can be saved. Deleting files gives room back.',
    remedy: 'enlarge',
  },
} as const satisfies FindingKinds

export const liveosFindings = {
  ...storeKinds,
  ...filesystemKinds,
  ...folderKinds,
  ...stickKinds,
  ...menuKinds,
  ...homeKinds,
} as const
