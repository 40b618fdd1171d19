import { LivecardError } from '../errors.ts'
import { usageError } from './args.ts'
import { type Interrupt, stoppedEarly } from './interrupt.ts'
import type { Terminal } from './terminal.ts'
import type { Given } from './verb.ts'

export const agreeOptions = {
  yes: { type: 'boolean', help: 'do it without asking' },
  plan: { type: 'boolean', help: 'show what would be done, and stop' },
} as const

interface Question {
  /** The plan for people; for scripts it is `shown`. */
  text: string
  shown: unknown
  question: string
}

/** True once the user has said yes to this plan; false when it was only to be shown. Everything else throws, and nothing was changed. */
export async function agreed(
  { text, shown, question }: Question,
  given: Given,
  interrupt: Interrupt,
  terminal: Terminal,
): Promise<boolean> {
  const onlyShown = given.flag('plan')
  if (given.flag('json')) {
    terminal.json({ type: 'plan', plan: shown })
    if (onlyShown) terminal.json({ format: 1, type: 'result', ok: true, exitCode: 0, planned: true, error: null })
  } else if (onlyShown) terminal.answer(text)
  else terminal.say(text)
  if (onlyShown) return false
  if (interrupt.signal.aborted) throw stoppedEarly()
  if (given.flag('yes')) return true
  if (!terminal.canAsk) throw notAsked()
  const typed = await terminal.ask(question, interrupt.signal)
  if (typed?.trim().toLowerCase() !== 'yes') throw declined()
  return true
}

function notAsked(): LivecardError {
  return usageError(
    'confirmation-needed',
    'This would write to the target, and there is no terminal here to ask on.',
    'Add --yes to write without a question, or --plan to see what would be done.',
  )
}

function declined(): LivecardError {
  return new LivecardError('cancelled', 'declined', {
    message: 'Not written, as the answer was not "yes".',
    meaning: 'Nothing was changed.',
    next: 'Start again when you are sure.',
  })
}
