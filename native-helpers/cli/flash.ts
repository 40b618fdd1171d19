import type { FlashPlan, FlashRequest, Identity, Target } from '../contract.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import { agreed, agreeOptions } from './agree.ts'
import { parseSize, usageError } from './args.ts'
import { followJob } from './follow-job.ts'
import { imageOptions, imageOptionsOf, imageRefOf } from './image-options.ts'
import { type Interrupt, stoppedEarly, watchInterrupt } from './interrupt.ts'
import { planText, questionText } from './plan-text.ts'
import { profileOption, sealedProfile } from './settings.ts'
import { checkTakesSettings, settingsAfterwards } from './settings-after.ts'
import { resolveTarget } from './target.ts'
import type { Given, Verb } from './verb.ts'

export const flash: Verb = {
  name: 'flash',
  usage: 'IMAGE TARGET…',
  summary: 'write an image to one or many cards, and read it back',
  about: [
    'IMAGE is a file or an http(s) URL: plain, .gz, .bz2, .xz, .zst or .zip, recognised by content. TARGET is a drive as "livecard drives" shows it, or a file: a card image, made when it does not exist yet.',
    'Shows what it will do and asks before it changes anything. A first Ctrl-C stops the job and leaves a card that says so; a second one does not wait.',
    'With --profile the settings in FILE are written onto each card once it is written and compared; the image must be one of Lampone Pi or another liveng system. "livecard customise --help" says what a profile holds.',
  ],
  options: {
    ...imageOptions,
    'skip-unused': { type: 'boolean', help: 'leave out what the image’s own ext and FAT maps call free' },
    'no-verify': { type: 'boolean', help: 'do not read back and compare' },
    ...profileOption,
    size: { type: 'string', value: 'SIZE', help: 'how large a new card image becomes: 8GB, 8GiB, 512MB or bytes' },
    'allow-virtual': { type: 'boolean', help: 'allow loop, zram, ram and nbd devices' },
    ...agreeOptions,
  },
  async run(given, terminal) {
    const settings = await sealedProfile(given)
    const interrupt = watchInterrupt(() => terminal.say('Stopping; Ctrl-C again does not wait.'))
    const { createJobRunner } = await import('../jobs/runner.ts')
    const runner = createJobRunner()
    try {
      const plan = await planned(runner, given, interrupt)
      if (settings) checkTakesSettings(plan)
      const then = settings ? `\nThen the settings of ${given.text('profile')} are written.` : ''
      const question = { text: `${planText(plan)}${then}`, shown: plan, question: questionText(plan) }
      if (!(await agreed(question, given, interrupt, terminal))) return 0
      const jobId = runner.startFlash(plan.planId, identitiesOf(plan))
      const json = given.flag('json')
      const afterwards = settings ? settingsAfterwards(settings, terminal, json, given.flag('allow-virtual')) : undefined
      return await followJob(runner, jobId, interrupt, terminal, json, afterwards)
    } finally {
      await runner.close()
      interrupt.release()
    }
  },
}

async function planned(runner: JobRunner, given: Given, { signal }: Interrupt): Promise<FlashPlan> {
  try {
    return await runner.planFlash(await requestOf(given), signal)
  } catch (thrown) {
    throw signal.aborted ? stoppedEarly() : thrown
  }
}

async function requestOf(given: Given): Promise<FlashRequest> {
  const [location, ...names] = given.positionals
  if (location === undefined || names.length === 0) {
    throw usageError('bad-arguments', 'An image and at least one target are needed.', 'livecard flash IMAGE TARGET…')
  }
  const image = imageRefOf(location, given)
  const size = given.text('size')
  const sizeBytes = size === null ? null : parseSize(size)
  const options = {
    ...imageOptionsOf(given),
    skipUnused: given.flag('skip-unused'),
    verify: !given.flag('no-verify'),
    allowVirtual: given.flag('allow-virtual'),
  }
  const targets: Target[] = []
  for (const name of names) targets.push(await resolveTarget(name, sizeBytes, image))
  return { image, targets, options }
}

function identitiesOf(plan: FlashPlan): Identity[] {
  return plan.targets.flatMap(({ target }) => (target.kind === 'drive' ? [target.identity] : []))
}
