import { agreed, agreeOptions } from './agree.ts'
import { usageError } from './args.ts'
import { watchInterrupt } from './interrupt.ts'
import { shareOf } from './progress.ts'
import type { Verb } from './verb.ts'
import { decimalSize } from './words.ts'

const states = {
  nothing: 'The job never came so far as to write to the card; there is nothing to take back.',
  already: 'It was taken back already.',
  done: 'Taken back: the card is as it was before.',
}

export const undo: Verb = {
  name: 'undo',
  usage: 'FILE [TARGET]',
  summary: 'take back what a job changed on a card',
  about: [
    'FILE is the undo file that the job named. TARGET is the card, where it has another name now than it had then: a drive, or the image file.',
    'Works too where the job, or an earlier undo, was cut off in the middle. A card that was used since is refused, as taking back would damage what came after.',
  ],
  options: {
    'allow-virtual': { type: 'boolean', help: 'allow loop, zram, ram and nbd devices' },
    ...agreeOptions,
  },
  async run(given, terminal) {
    const [file, target, ...more] = given.positionals
    if (file === undefined || more.length > 0)
      throw usageError('bad-arguments', 'One undo file is needed.', 'livecard undo FILE [TARGET]')
    const interrupt = watchInterrupt(() => terminal.say('What was begun is brought to its end; Ctrl-C again does not wait.'))
    const { planUndo, takeBackChange } = await import('../jobs/change.ts')
    try {
      const plan = await planUndo(file, target ?? null, given.flag('allow-virtual'))
      const when = new Date(plan.head.createdAt).toLocaleString('sv')
      const text = `Undo    ${plan.head.title}, begun ${when}\nTarget  ${plan.target}\n${
        plan.state === 'ready' ? `Puts back ${decimalSize(plan.keptBytes)}.` : states[plan.state]
      }`
      const question = `\nWhat "${plan.head.title}" changed on ${plan.target} is put back.\nType yes to do it, anything else to leave it as it is: `
      const { drive: _drive, ...shown } = plan
      if (plan.state === 'ready' && !(await agreed({ text, shown, question }, given, interrupt, terminal))) return 0
      const { state, writtenBytes } = await takeBackChange(plan, (doneBytes, totalBytes) => {
        if (terminal.liveLine) terminal.drawLine(`Putting back  ${shareOf(doneBytes, totalBytes)}`)
      })
      if (terminal.liveLine) terminal.drawLine('')
      if (given.flag('json')) terminal.json({ format: 1, type: 'result', ok: true, exitCode: 0, state, writtenBytes, error: null })
      else terminal.answer(states[state])
      return 0
    } finally {
      if (terminal.liveLine) terminal.drawLine('')
      interrupt.release()
    }
  },
}
