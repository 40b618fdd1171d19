import type { FlashPlan, Job } from '../contract.ts'
import type { CardSettings } from '../contract-settings.ts'
import { exitCodes, toErrorValue } from '../errors.ts'
import { usageError } from './args.ts'
import type { Afterwards } from './follow-job.ts'
import { reportError } from './report.ts'
import type { Terminal } from './terminal.ts'

interface Setting {
  path: string
  ok: boolean
  undo: string | null
  error: ReturnType<typeof toErrorValue> | null
}

/** Settings make sense only for an image of which is known how it takes them. */
export function checkTakesSettings({ image }: FlashPlan): void {
  if (image.known) return
  throw usageError(
    'profile-not-for-this',
    `${image.name} is not the image of a system that takes settings: Lampone Pi, or another liveng system.`,
    'Write it without --profile.',
  )
}

/** Writes settings onto each target that was written well. What was written stays good whatever comes of them, and that is said. */
export function settingsAfterwards(settings: CardSettings, terminal: Terminal, json: boolean, allowVirtual: boolean): Afterwards {
  return async (job: Job) => {
    const { applyCardChange, planCardChange } = await import('../jobs/change.ts')
    const done: Setting[] = []
    for (const { path, state, label } of job.targets) {
      if (state !== 'done') continue
      try {
        const options = { settings: JSON.stringify(settings) }
        const plan = await planCardChange({ job: 'customise', path, base: null, options, allowVirtual, undo: null })
        if (plan.writeBytes > 0) await applyCardChange(plan)
        done.push({ path, ok: true, undo: plan.undoPath, error: null })
        if (!json)
          terminal.answer(
            `Set: ${label} (${path})\n  ${plan.steps.join('\n  ')}\n  To take it back: livecard undo ${plan.undoPath}`,
          )
      } catch (thrown) {
        const error = toErrorValue(thrown)
        done.push({ path, ok: false, undo: null, error })
        terminal.say(`The image was written to ${label} (${path}) and is good. The settings were not:`)
        reportError(error, terminal)
      }
    }
    const failed = done.find(({ error }) => error)?.error
    return { exitCode: failed ? exitCodes[failed.kind] : 0, told: { settings: done } }
  }
}
