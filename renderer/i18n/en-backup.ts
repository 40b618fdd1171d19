/** What the screens of saving a card say, and the tree of files in them, in English; `en.ts` takes it in. */
const s = (count: number, shown: string, one: string, many: string) => `${shown} ${count === 1 ? one : many}`

const parts: Record<string, string> = {
  rw: 'Your changes',
  persistence: 'The whole partition of your changes',
  overlay: 'Your changes',
  store: 'The overlay as it is',
  home: 'Home',
  data: 'Your files and settings',
  settings: 'Kept settings',
  log: 'Log',
}

export const enTree = {
  deleted: 'deleted in the system',
  folder: (files: number) => (files > 0 ? `folder, ${files} ${files === 1 ? 'file' : 'files'}` : 'folder'),
  other: 'no plain file',
  loading: 'reading…',
  more: 'There is more in this folder than is shown: it can only be ticked as a whole.',
}

export const enBackup = {
  title: (where: string) => `Back up ${where}`,
  sub: 'What you changed and saved goes into one file on this computer. The card is only read.',
  opening: 'Reading what can be saved',
  again: 'Read it again',
  know: 'Good to know',
  what: 'What is saved',
  whatText: 'untick what you do not need',
  /** By what the helper calls it; `title` is its own for it, "" where it has none. */
  part: (what: string, title: string) => title || (parts[what] ?? what),
  /** What the helper says of a part, as far as a language has words for it. */
  note: (note: string) => note,
  kernel: 'The kernel too',
  kernelText:
    'Your changes only fit the kernel that they were made with. With it the backup can be put on a card that has another one.',
  since: 'Only what changed since an earlier backup',
  sinceText: 'Then both are needed to put everything back.',
  sinceChoose: 'Choose the earlier one…',
  sinceOther: 'Another one…',
  sinceNone: 'Save everything',
  sinceTitle: 'Choose the earlier backup',
  where: 'Where it goes',
  file: 'File',
  fileHint: 'The end of its name says how it is packed: .tar.zst, .tar.gz, or .tar as it is.',
  badName: 'The name has to end with .tar, .tar.gz or .tar.zst.',
  act: (name: string) => `Save as ${name}`,
  counting: 'Counting…',
  files: (n: number, shown: string) => `in ${s(n, shown, 'file', 'files')}`,
  removed: (n: number, shown: string) => `${s(n, shown, 'file is', 'files are')} gone since then`,
  packed: 'So much is read from the card. Packed it becomes smaller, by how much shows at the end.',
  nothingChosen: 'Nothing is ticked.',
  left: (n: number) => (n === 1 ? 'One thing cannot be saved' : `${n >= 100 ? 'At least 100' : n} things cannot be saved`),
  running: (where: string) => `Backing up ${where}`,
  runningText: 'The card is only read. You can look at other things meanwhile.',
  saving: 'Saving',
  savingWord: (percent: string | null) => (percent === null ? 'Saving…' : `Saving · ${percent}`),
  filesOf: (done: string, all: string) => `${done} of ${all} files`,
  stop: 'Stop…',
  stopTitle: 'Stop the backup?',
  stopText: 'What was written of the file so far is removed. The card is unchanged either way.',
  goOn: 'Go on',
  stopped: 'Stopped.',
  stoppedText: 'What was written of the file is removed again. The card was only read.',
  stopAct: 'Stop and remove it',
  result: (where: string) => `Backup of ${where}`,
  done: (n: number, shown: string) => `${s(n, shown, 'file is', 'files are')} saved.`,
  doneText: 'The archive is complete, and every file in it has a checksum. Keep it on another disk than the card.',
  unread: (n: number, shown: string) => `Saved, but ${s(n, shown, 'file', 'files')} could not be read whole.`,
  unreadText: 'What could not be read is filled with zeros and named in the archive. Everything else is complete.',
  archive: 'Archive',
  content: 'Content',
  gone: 'This backup is not known',
  goneText: 'It ended before the app was started.',
  home: 'To the start',
} as const

export const enSavePlace = { choose: 'Choose…' } as const
