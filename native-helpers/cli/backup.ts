import type { BackupEstimate, BackupResult } from '../contract-backup.ts'
import { exitCodes } from '../errors.ts'
import { packingOf } from '../jobs/backup/stored.ts'
import type { BackupSession } from '../jobs/backup.ts'
import type { WholeChoice } from '../jobs/backup-task.ts'
import { displayName } from '../wasm/names.ts'
import { usageError } from './args.ts'
import { type Interrupt, watchInterrupt } from './interrupt.ts'
import { shareOf } from './progress.ts'
import type { Terminal } from './terminal.ts'
import type { Given, Verb } from './verb.ts'
import { decimalSize, fold, speed, table, took } from './words.ts'

export const backup: Verb = {
  name: 'backup',
  usage: 'TARGET FILE [--only PATH]…',
  summary: 'save what was changed on a card as an archive that GNU tar and bsdtar read',
  about: [
    'TARGET is a drive, an image file of a whole card, a folder where a stick is mounted, or one overlay file (then --base names the image that it belongs to). FILE ends in .tar, .tar.gz or .tar.zst; a file that is there is never replaced. --only PATH, as --list shows it, saves a part; PATHs behind FILE do the same.',
    'The card is only read. One that was not unmounted is read as the system would find it: its journal is carried out in memory. The first member, .livecard/manifest.json, names the card, its system and kernels, and every file with its SHA-256.',
    'What cannot be read (a bad place on the card) is filled with zeros, named at the end and in the archive, and the command ends with 6. Sockets are left out.',
    "To extract all of it: tar --extract --file FILE --numeric-owner --xattrs --xattrs-include='*' as root.",
  ],
  options: {
    what: {
      type: 'string',
      value: 'NAME[,NAME…]',
      help: 'what to save, where there are several: rw, persistence, overlay, store, home …',
    },
    'with-kernel': { type: 'boolean', help: 'with the kernel partition and the boot menus (Lampone Pi, liveng)' },
    since: { type: 'string', value: 'FILE', help: 'only what differs from this earlier backup, or from its manifest' },
    only: { type: 'string', value: 'PATH', many: true, help: 'a file or folder by its path in the archive; may be said again' },
    list: { type: 'boolean', help: 'show what would be saved, and save nothing' },
    base: { type: 'string', value: 'FILE', help: 'the image that an overlay given by itself belongs to' },
  },
  async run(given, terminal) {
    const [path, ...rest] = given.positionals
    const isList = given.flag('list')
    const [named, ...others] = rest
    // What is listed may be said with the archive that it is for.
    const hasFile = !isList || (named !== undefined && packingOf(named) !== null)
    const only = [...given.texts('only'), ...(hasFile ? others : rest)]
    if (path === undefined || (!isList && named === undefined))
      throw usageError('bad-arguments', 'A target and a file for the archive are needed.', 'livecard backup TARGET FILE')
    const choice: WholeChoice = {
      what: given.text('what')?.split(',') ?? [],
      only,
      withKernel: given.flag('with-kernel'),
      since: given.text('since'),
    }
    const interrupt = watchInterrupt(() => terminal.say('Stopping; Ctrl-C again does not wait.'))
    const { openBackup } = await import('../jobs/backup.ts')
    try {
      if (terminal.liveLine) terminal.drawLine(`Reading ${path}`)
      const session = await openBackup({ path, base: given.text('base') }, interrupt.signal)
      for (const note of session.notes) terminal.say(note)
      try {
        if (isList || named === undefined) return await list(session, choice, given, terminal)
        return await save(session, choice, named, { given, terminal, interrupt })
      } finally {
        await session.close()
      }
    } finally {
      if (terminal.liveLine) terminal.drawLine('')
      interrupt.release()
    }
  },
}

async function list(session: BackupSession, choice: WholeChoice, given: Given, terminal: Terminal): Promise<number> {
  const estimate = await session.estimate(choice)
  const files = await session.list(choice)
  if (terminal.liveLine) terminal.drawLine('')
  const { look, path, label } = session
  if (given.flag('json')) {
    terminal.json({ format: 1, path, label, ...look, estimate, files })
    return 0
  }
  terminal.answer(`${look.system.name}: ${label} (${path})\n`)
  const parts = look.parts.map(({ what, title, problem, isDefault }) => [
    `  ${what}`,
    title,
    problem ?? (isDefault ? 'saved when --what is not given' : ''),
  ])
  terminal.answer(`${table(parts).join('\n')}\n`)
  for (const file of files) if (file.kind !== 'folder') terminal.answer(displayName(fileLine(file)))
  terminal.answer(`\n${amount(estimate)}`)
  tellLeft(estimate.left, terminal)
  return 0
}

function fileLine({ path, kind, sizeBytes }: { path: string; kind: string; sizeBytes: number }): string {
  return `${kind === 'file' ? String(sizeBytes).padStart(14) : kind.padStart(14)}  ${path.replaceAll('\n', '\\n')}`
}

function amount({ files, bytes, removed }: BackupEstimate): string {
  const gone = removed === 0 ? '' : `, and ${removed} that ${removed === 1 ? 'is' : 'are'} gone since`
  return `${files} ${files === 1 ? 'file' : 'files'}, ${decimalSize(bytes)}${gone}`
}

interface Around {
  given: Given
  terminal: Terminal
  interrupt: Interrupt
}

async function save(
  session: BackupSession,
  choice: WholeChoice,
  file: string,
  { given, terminal, interrupt }: Around,
): Promise<number> {
  const started = performance.now()
  const isJson = given.flag('json')
  let toldAt = 0
  const result = await session.write(choice, file, {
    signal: interrupt.signal,
    progress(progress) {
      const { doneBytes, totalBytes } = progress
      if (terminal.liveLine) terminal.drawLine(`Saving  ${shareOf(doneBytes, totalBytes)}  ${decimalSize(doneBytes)}`)
      if (!isJson || performance.now() - toldAt < 500) return
      toldAt = performance.now()
      terminal.json({ type: 'progress', ...progress })
    },
  })
  if (terminal.liveLine) terminal.drawLine('')
  const exitCode = result.unread > 0 ? exitCodes.differs : 0
  if (isJson) terminal.json({ format: 1, type: 'result', ok: exitCode === 0, exitCode, ...result, error: null })
  else tellSaved(session, result, (performance.now() - started) / 1000, terminal)
  return exitCode
}

function tellSaved({ label }: BackupSession, result: BackupResult, seconds: number, terminal: Terminal): void {
  const { path, archiveBytes, files, bytes, unread, left } = result
  terminal.answer(`Saved: ${label} as ${path} (${decimalSize(archiveBytes)})`)
  terminal.answer(
    `  ${files} ${files === 1 ? 'file' : 'files'}, ${decimalSize(bytes)} in ${took(seconds)} (${speed(bytes / seconds)})`,
  )
  tellLeft(left, terminal)
  if (unread === 0) return
  const what = unread === 1 ? 'One of them' : `${unread} of them`
  for (const line of fold(
    `${what} could not be read whole: the archive has zeros in these places, or lacks what is named above.`,
    100,
  ))
    terminal.say(line)
}

function tellLeft(left: BackupResult['left'], terminal: Terminal): void {
  for (const { path, why } of left) terminal.say(displayName(`  ${path}: ${why}`))
}
