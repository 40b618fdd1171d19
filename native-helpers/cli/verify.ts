import { usageError } from './args.ts'
import { followJob } from './follow-job.ts'
import { imageOptions, imageOptionsOf, imageRefOf } from './image-options.ts'
import { watchInterrupt } from './interrupt.ts'
import { resolveExisting } from './target.ts'
import type { Verb } from './verb.ts'

export const verify: Verb = {
  name: 'verify',
  usage: 'IMAGE TARGET',
  summary: 'compare a card with an image, without writing',
  about: ['Ends with 0 when the card holds the image, with 6 when it differs, and says where.'],
  options: {
    ...imageOptions,
    'skip-unused': { type: 'boolean', help: 'leave out what the image’s own maps call free, as it was written with that' },
    'allow-virtual': { type: 'boolean', help: 'not needed, as this only reads; so that one command line serves flash and verify' },
  },
  async run(given, terminal) {
    const [location, target, ...more] = given.positionals
    if (location === undefined || target === undefined || more.length > 0) {
      throw usageError('bad-arguments', 'One image and one target are needed.', 'livecard verify IMAGE TARGET')
    }
    const interrupt = watchInterrupt(() => terminal.say('Stopping; Ctrl-C again does not wait.'))
    const { createJobRunner } = await import('../jobs/runner.ts')
    const runner = createJobRunner()
    try {
      const jobId = await runner.startVerify({
        image: imageRefOf(location, given),
        targets: [await resolveExisting(target)],
        options: { ...imageOptionsOf(given), skipUnused: given.flag('skip-unused'), verify: true, allowVirtual: true },
      })
      return await followJob(runner, jobId, interrupt, terminal, given.flag('json'))
    } finally {
      await runner.close()
      interrupt.release()
    }
  },
}
