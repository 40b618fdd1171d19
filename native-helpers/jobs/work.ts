import type { StreamDevice } from '../block/device.ts'
import { createCardFile, openCardFile } from '../drives/card-file.ts'
import { openForReading, openForWriting } from '../drives/open.ts'
import { openImage } from '../imaging/open-image.ts'
import { worthThreadsBytes } from '../imaging/piece-threads.ts'
import { flashImage } from '../imaging/pipeline.ts'
import { blocksFor, type Digests } from '../imaging/stream.ts'
import type { WorkTarget } from '../imaging/target-lane.ts'
import { warmThreads } from '../imaging/threads.ts'
import { verifyImage } from '../imaging/verify.ts'
import type { JobTarget, LiveJob } from './live-job.ts'
import { compareSums, digestsFor } from './sums.ts'
import { openMap } from './write-maps.ts'

/** Carries a job out. Rejects when the whole job failed; a target's own failure stands in the job's state. */
export async function workOn(job: LiveJob): Promise<void> {
  const { task, state, controller } = job
  const { signal } = controller
  const { image, options } = task
  const writes = task.kind === 'flash'
  const checkDigests = (digests: Digests) => {
    job.settleCheck('bmap', 'ok')
    compareSums(image.sums, job.sumChecks, digests, writes ? unverifiedMeaning : comparedMeaning)
  }

  if ((image.contentBytes ?? image.storedBytes ?? 0) >= worthThreadsBytes) warmThreads()
  const map = await openMap(image, options)
  const stream = await openImage(image, {
    digests: digestsFor(image.sums),
    signal,
    ...blocksFor(image.format, task.targets.length),
  })
  let targets: WorkTarget[]
  try {
    targets = await openTargets(job, writes)
    if (targets.length === 0) return void (await stream.close())
  } catch (thrown) {
    await stream.close()
    throw thrown
  }
  const shared = { stream, targets, state, map, checkDigests, signal }
  if (writes) await flashImage({ ...shared, verify: options.verify })
  else await verifyImage(shared)
}

const unverifiedMeaning =
  'The card now holds an unverified image: damaged, or not the one that was meant. It is left marked as not finished, and nothing starts from it.'
const comparedMeaning = 'The comparison was made with an image that is not the published one. Nothing was changed.'

/** Each target is opened for itself: one that cannot be is out, the others go on. */
async function openTargets(job: LiveJob, writes: boolean): Promise<WorkTarget[]> {
  const opened: WorkTarget[] = []
  let refused = false
  await Promise.all(
    job.task.targets.map(async (one, index) => {
      const state = job.state.targets[index]
      if (!state) return
      try {
        job.controller.signal.throwIfAborted()
        opened.push({ device: await openTarget(one, writes, job.task.options.allowVirtual), state })
      } catch (thrown) {
        refused ||= one.target.kind === 'drive'
        state.fail(thrown)
      }
    }),
  )
  job.settleCheck('identity', refused ? 'differs' : 'ok')
  return opened
}

async function openTarget({ target, sighting }: JobTarget, writes: boolean, allowVirtual: boolean): Promise<StreamDevice> {
  if (target.kind === 'drive') {
    const { identity } = target
    const seen = sighting ? { sighting } : {}
    return writes ? openForWriting(identity, { allowVirtual, ...seen }) : openForReading(identity.path, { identity, ...seen })
  }
  if (writes && target.sizeBytes !== null) await createCardFile(target.path, target.sizeBytes)
  return openCardFile(target.path, { write: writes })
}
