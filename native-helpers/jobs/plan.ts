import { randomUUID } from 'node:crypto'
import type { FlashPlan, FlashRequest, ImageFacts, PlanTarget } from '../contract.ts'
import { decimalSize } from '../drives/name.ts'
import { probeImage } from '../imaging/probe.ts'
import { imageChoice, targetTwice } from './plan-errors.ts'
import { isUrl, type ResolvedTarget, resolveForWriting } from './resolve-target.ts'
import { sumsToCheck } from './sums.ts'
import { list } from './words.ts'
import { chosenMap } from './write-maps.ts'

/** Looks at the image and at every target. Throws when anything about them forbids to write; writes nothing itself. */
export async function makePlan(request: FlashRequest, signal?: AbortSignal): Promise<FlashPlan> {
  const image = await lookAtImage(request, signal)
  const resolved: ResolvedTarget[] = []
  for (const target of request.targets) {
    signal?.throwIfAborted()
    const one = await resolveForWriting(target, image, request.options)
    if (resolved.some(({ key }) => key === one.key)) throw targetTwice(one.plan.label)
    resolved.push(one)
  }
  const targets = resolved.map(({ plan }) => plan)
  return {
    planId: randomUUID(),
    image,
    options: request.options,
    targets,
    steps: stepsOf(request, image, targets),
    warnings: warningsOf(request, image, targets),
  }
}

/** With the sums that the user gave among those that were found. */
export async function lookAtImage(request: FlashRequest, signal?: AbortSignal): Promise<ImageFacts> {
  const facts = await probeImage(request.image, signal)
  if (facts.members.length > 1 && !request.image.member) throw imageChoice(facts)
  return { ...facts, sums: sumsToCheck(facts, request.options) }
}

function stepsOf({ options }: FlashRequest, image: ImageFacts, targets: PlanTarget[]): string[] {
  const unmounts = targets.flatMap((target) => target.unmounts)
  const map = chosenMap(image, options)
  const what = image.format === 'raw' ? `Write ${image.name}` : `Unpack ${image.name} and write it`
  const left =
    map.kind === 'bmap'
      ? ', without what its block map leaves out'
      : map.kind === 'allocation'
        ? ', without what its own filesystems call free'
        : ''
  const once = targets.length > 1 ? ` to ${targets.length} targets at once` : ''
  const steps = [
    unmounts.length > 0 ? `Unmount ${list(unmounts)}.` : null,
    'Mark the start of the card as not finished, and clear its end.',
    `${what}${once}${left}; keep the first block back.`,
    image.sums.length > 0 ? 'Compare the checksum of the image with the published one.' : null,
    options.verify ? 'Read back everything written, and compare.' : null,
    `Write the first block${options.verify ? ', compare it' : ''}, and finish: only now the card is usable.`,
  ]
  return steps.filter((step) => step !== null)
}

function warningsOf({ options }: FlashRequest, image: ImageFacts, targets: PlanTarget[]): string[] {
  const remote = isUrl(image.ref.location)
  const warnings: (string | null)[] = [
    image.sums.length === 0
      ? `No checksum is known for ${image.name}${remote ? ', which comes from the network' : ''}: whether it arrived whole cannot be told from outside.`
      : null,
    remote && /^http:/i.test(image.ref.location)
      ? 'The image comes over an unprotected connection (http): anyone on the way could change it.'
      : null,
    options.verify ? null : 'What is written will not be read back and compared.',
    image.contentBytes === null
      ? 'How large the image is shows only once it is unpacked; if it does not fit, writing stops in the middle and the card stays marked as not finished.'
      : null,
    image.shows === null
      ? 'Nothing in the image says that it is one of a disk (no partition table, no filesystem that is known).'
      : null,
    options.allowVirtual && targets.some(({ target }) => target.kind === 'drive')
      ? 'Virtual drives are allowed for this job.'
      : null,
  ]
  for (const { target, label, sizeBytes } of targets) {
    if (target.kind === 'drive' && sizeBytes > largeDriveBytes)
      warnings.push(
        `${label} is unusually large for a card or stick (${decimalSize(sizeBytes)}). Make sure that it is the one you mean.`,
      )
  }
  return warnings.filter((warning) => warning !== null)
}

/** The largest cards and sticks in use hold 2 TB; what people flash holds up to 256 GB. */
const largeDriveBytes = 300_000_000_000
