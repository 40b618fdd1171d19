import { resolve } from 'node:path'
import type { Report } from '../contract-report.ts'
import { exitCodes } from '../errors.ts'
import { usageError } from './args.ts'
import { asciiStrokes, unicodeStrokes } from './inspect-picture.ts'
import { reportText } from './inspect-text.ts'
import { watchInterrupt } from './interrupt.ts'
import { utf8 } from './progress.ts'
import type { Terminal } from './terminal.ts'
import type { Given, Verb } from './verb.ts'
import { decimalSize, fold, table } from './words.ts'

export const inspect: Verb = {
  name: 'inspect',
  usage: 'TARGET',
  summary: 'what is on a card and what is wrong with it, without changing anything',
  about: [
    'TARGET is a drive, an image file of a whole card, a folder where a stick is mounted, or one overlay file (then --base names the squashfs or ext image that it belongs to). Nothing is mounted, and nothing is ever written to it.',
    'Ends with 0, or with 6 when something is wrong that loses data or keeps the system from starting: a finding of severity "error".',
  ],
  options: {
    base: { type: 'string', value: 'FILE', help: 'the image that an overlay given by itself belongs to' },
    bundle: {
      type: 'string',
      value: 'FILE',
      help: 'also save a support bundle (.tar.gz): the report, raw tables and superblocks, no files',
    },
    serials: { type: 'boolean', help: 'the serial number of the drive may be in the bundle' },
    'help-findings': { type: 'boolean', help: 'list everything that can be found, with its meaning' },
  },
  async run(given, terminal) {
    if (given.flag('help-findings')) return tellFindings(given.flag('json'), terminal)
    const [path, ...more] = given.positionals
    if (path === undefined || more.length > 0) throw usageError('bad-arguments', 'One target is needed.', 'livecard inspect TARGET')
    const interrupt = watchInterrupt(() => {})
    if (terminal.liveLine) terminal.drawLine(`Reading ${path}`)
    try {
      const report = await readReport(path, given, terminal, interrupt.signal)
      if (terminal.liveLine) terminal.drawLine('')
      if (given.flag('json')) terminal.json(report)
      else terminal.answer(reportText(report, process.stdout.columns || terminal.columns, utf8 ? unicodeStrokes : asciiStrokes))
      return report.findings.some(({ severity }) => severity === 'error') ? exitCodes.differs : 0
    } finally {
      if (terminal.liveLine) terminal.drawLine('')
      interrupt.release()
    }
  },
}

async function readReport(path: string, given: Given, terminal: Terminal, signal: AbortSignal): Promise<Report> {
  const request = { path, base: given.text('base') }
  const bundle = given.text('bundle')
  if (bundle === null) {
    const { inspect: inspectTarget } = await import('../jobs/inspect.ts')
    return inspectTarget(request, { signal })
  }
  const { saveBundle } = await import('../jobs/inspect-bundle.ts')
  const saved = await saveBundle({ ...request, to: resolve(bundle), serials: given.flag('serials') }, { signal })
  terminal.say(`Saved the support bundle as ${saved.path} (${decimalSize(saved.sizeBytes)}). It holds no files of the card.`)
  return saved.report
}

/** The list of all kinds of findings, for people and for scripts that act on their ids. */
async function tellFindings(json: boolean, terminal: Terminal): Promise<number> {
  const { findingKinds } = await import('../systems/all-findings.ts')
  if (json) {
    const findings = findingKinds.flatMap(({ of, kinds }) => Object.entries(kinds).map(([id, kind]) => ({ id, of, ...kind })))
    terminal.json({ format: 1, findings })
    return 0
  }
  const columns = Math.min(110, Math.max(60, process.stdout.columns || terminal.columns))
  for (const { of, kinds } of findingKinds) {
    terminal.answer(`${of.charAt(0).toUpperCase()}${of.slice(1)}\n`)
    for (const [id, { severity, title, meaning, remedy }] of Object.entries(kinds)) {
      const [head = ''] = table([[id, severity, remedy === null ? '' : `helps: ${remedy}`]])
      terminal.answer(`  ${head}\n${fold(`    ${title} ${meaning}`, columns).join('\n')}\n`)
    }
  }
  return 0
}
