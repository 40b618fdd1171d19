import type { Report } from '../contract-report.ts'
import { exitCodes } from '../errors.ts'
import type { ChangeRequest } from '../jobs/change.ts'
import { agreed, agreeOptions } from './agree.ts'
import { usageError } from './args.ts'
import { changeQuestion, changeText } from './change-text.ts'
import { stoppedEarly, watchInterrupt } from './interrupt.ts'
import { shareOf } from './progress.ts'
import type { Terminal } from './terminal.ts'
import type { Given } from './verb.ts'
import { decimalSize } from './words.ts'

/** Understood by every verb that changes a card. */
export const changeOptions = {
  base: { type: 'string', value: 'FILE', help: 'the image that an overlay given by itself belongs to' },
  undo: { type: 'string', value: 'FILE', help: 'where the undo file goes (a dated file in the state folder without)' },
  'allow-virtual': { type: 'boolean', help: 'allow loop, zram, ram and nbd devices' },
  ...agreeOptions,
} as const

interface Act {
  job: ChangeRequest['job']
  options: Record<string, string>
  /** "Repairing", "Repaired" */
  doing: string
  done: string
}

/** Plan, question, change, result: the same for every verb that changes a card. Answers the exit code. */
export async function changeCard({ job, options, doing, done }: Act, given: Given, terminal: Terminal): Promise<number> {
  const [path, ...more] = given.positionals
  if (path === undefined || more.length > 0) throw usageError('bad-arguments', 'One target is needed.', `livecard ${job} TARGET`)
  const interrupt = watchInterrupt(() => terminal.say('What was begun is brought to its end; Ctrl-C again does not wait.'))
  const { applyCardChange, planCardChange } = await import('../jobs/change.ts')
  try {
    if (terminal.liveLine) terminal.drawLine(`Reading ${path}`)
    const request = {
      job,
      path,
      base: given.text('base'),
      options,
      allowVirtual: given.flag('allow-virtual'),
      undo: given.text('undo'),
    }
    const plan = await planCardChange(request, interrupt.signal).catch((thrown) => {
      throw interrupt.signal.aborted ? stoppedEarly() : thrown
    })
    if (terminal.liveLine) terminal.drawLine('')
    const { agreed: _agreed, request: _request, ...shown } = plan
    if (plan.writeBytes === 0) {
      if (given.flag('json')) terminal.json({ format: 1, type: 'result', ok: true, exitCode: 0, plan: shown, error: null })
      else terminal.answer(changeText(plan))
      return 0
    }
    if (!(await agreed({ text: changeText(plan), shown, question: changeQuestion(plan) }, given, interrupt, terminal))) return 0
    const { report, writtenBytes } = await applyCardChange(plan, (doneBytes, totalBytes) => {
      if (terminal.liveLine) terminal.drawLine(`${doing}  ${shareOf(doneBytes, totalBytes)}`)
    })
    if (terminal.liveLine) terminal.drawLine('')
    const exitCode = isStillWrong(report) ? exitCodes.differs : 0
    if (given.flag('json')) {
      const result = {
        format: 1,
        type: 'result',
        ok: exitCode === 0,
        exitCode,
        writtenBytes,
        undo: plan.undoPath,
        report,
        error: null,
      }
      terminal.json(result)
      return exitCode
    }
    terminal.answer(`${done}: ${plan.target.label} (${plan.target.path})\n  ${decimalSize(writtenBytes)} written`)
    terminal.answer(`  To take it back: livecard undo ${plan.undoPath}`)
    for (const { severity, title, detail } of report.findings)
      if (severity === 'error') terminal.answer(`  Still so: ${title} ${detail}`)
    return exitCode
  } finally {
    if (terminal.liveLine) terminal.drawLine('')
    interrupt.release()
  }
}

function isStillWrong({ findings }: Report): boolean {
  return findings.some(({ severity }) => severity === 'error')
}
