import type { FindingKinds } from '../finding.ts'

/** Everything that can be said of a store of modules. The ids are part of what `inspect --json` promises. */
export const modeFindings = {
  'mode-parent-missing': {
    severity: 'error',
    title: 'A module stands on one that is not there.',
    meaning:
      'A module holds only what it adds to those below it. Without them it does not start, and neither does what stands on it.',
    remedy: 'modules',
  },
  'mode-order': {
    severity: 'warning',
    title: 'The name of a module has its levels in another order than the others.',
    meaning: 'The order in the name is what the module is laid on. By its name it stands on modules that do not exist.',
    remedy: 'modules',
  },
  'mode-module-unreadable': {
    severity: 'error',
    title: 'A module is damaged.',
    meaning: 'It cannot be used, and neither can what stands on it. Take it from where it was made, or make it again.',
    remedy: 'modules',
  },
  'mode-module-truncated': {
    severity: 'error',
    title: 'A module ends too early.',
    meaning: 'It was not copied to its end. It cannot be used, and neither can what stands on it.',
    remedy: 'modules',
  },
  'mode-fat-limit': {
    severity: 'error',
    title: 'A module was cut off at 4 GiB.',
    meaning:
      'A stick with a FAT file system cannot hold larger files. The module needs to be smaller, or the stick another file system.',
    remedy: 'modules',
  },
  'mode-twice': {
    severity: 'error',
    title: 'A module is there twice.',
    meaning: 'Which of the two is used depends on the order in which they are found.',
    remedy: 'modules',
  },
  'mode-architecture': {
    severity: 'error',
    title: 'A module is for another kind of processor.',
    meaning: 'Its programs do not run together with those of the modules below it.',
    remedy: 'modules',
  },
  'mode-older-than-parent': {
    severity: 'warning',
    title: 'A module is older than the one it stands on.',
    meaning:
      'It was made on an older state of that one. Programs may miss libraries; a module with settings only is not affected. It should be made again.',
    remedy: 'modules',
  },
  'mode-aufs-marks': {
    severity: 'warning',
    title: 'A module notes deleted files in the way of aufs.',
    meaning:
      'Systems of today use overlayfs, which does not know these marks: files that were deleted come back, and the marks show up as files.',
    remedy: 'modules',
  },
  'mode-list-missing-file': {
    severity: 'error',
    title: 'A list of modules names a file that is not there.',
    meaning: 'The system warns and starts without it, and without what it would have brought.',
    remedy: 'modules',
  },
  'mode-list-order': {
    severity: 'error',
    title: 'A list of modules has them in the wrong order.',
    meaning: 'Later ones lie on top. A module below the one it stands on is hidden by it.',
    remedy: 'modules',
  },
  'mode-list-incomplete': {
    severity: 'error',
    title: 'A list of modules leaves out one that others stand on.',
    meaning: 'Only what is listed is loaded, so that those others do not start.',
    remedy: 'modules',
  },
  'mode-list-unlisted': {
    severity: 'info',
    title: 'A module is on no list.',
    meaning: 'Only what is listed is loaded; it takes room without being used.',
    remedy: 'modules',
  },
  'mode-not-recognised': {
    severity: 'warning',
    title: 'No system finds these modules by itself.',
    meaning:
      'What starts Debian from a stick takes it for one only if at least one image ends in .squashfs, and loads other names only from a list.',
    remedy: 'modules',
  },
} as const satisfies FindingKinds
