/** What the screen says on which a system becomes as it was delivered, in English; `en.ts` takes it in. */
export const enReset = {
  goes: 'This removes what you changed on it',
  goesText:
    'Files, settings, programs, accounts and passwords: everything that was added or changed since the system was delivered, apart from what you tick here.',
  backup: 'Back up first…',
  keep: 'What is kept',
  keepText: 'tick what is carried over',
  reading: 'Reading what was changed',
  home: 'Empty Home too',
  homeText: 'Home is a storage of its own on this stick and stays as it is, unless you say so here.',
  paths: 'What is kept, a path on each line',
  pathsHint: 'As the running system names it: home, etc/ssh. Empty: nothing is kept.',
  noTree: 'What was changed cannot be listed here; name what is to be kept instead.',
  all: 'Everything is ticked. There would be nothing to remove.',
} as const
