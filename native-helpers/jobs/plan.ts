import { randomUUID } from 'node:crypto'
import type { FlashPlan, FlashRequest, ImageFacts } from '../contract.ts'
import type { Sighting } from '../drives/identity.ts'
import { probeImage } from '../imaging/probe.ts'
import { imageChoice, targetTwice } from './plan-errors.ts'
import { stepsOf, warningsOf } from './plan-sentences.ts'
import { type ResolvedTarget, resolveForWriting } from './resolve-target.ts'
import { sumsToCheck } from './sums.ts'
import { openMap } from './write-maps.ts'

/** A plan, and what was seen of each of its targets that the contract has no words for. */
export interface MadePlan {
  plan: FlashPlan
  sightings: (Sighting | undefined)[]
}

/** Looks at the image and at every target. Throws when anything about them forbids to write; writes nothing itself. */
export async function makePlan(request: FlashRequest, signal?: AbortSignal): Promise<MadePlan> {
  const image = await lookAtImage(request, signal)
  // A map that cannot be read, or is of an image of another size, is found out before anything is written.
  await openMap(image, request.options)
  const resolved: ResolvedTarget[] = []
  for (const target of request.targets) {
    signal?.throwIfAborted()
    const one = await resolveForWriting(target, image, request.options)
    if (resolved.some(({ key }) => key === one.key)) throw targetTwice(one.plan.label)
    resolved.push(one)
  }
  const targets = resolved.map(({ plan }) => plan)
  const plan: FlashPlan = {
    planId: randomUUID(),
    image,
    options: request.options,
    targets,
    steps: stepsOf(request, image, targets),
    warnings: warningsOf(request, image, targets),
  }
  return { plan, sightings: resolved.map(({ sighting }) => sighting) }
}

/** With the sums that the user gave among those that were found. */
export async function lookAtImage(request: FlashRequest, signal?: AbortSignal): Promise<ImageFacts> {
  const facts = await probeImage(request.image, signal)
  if (facts.members.length > 1 && !request.image.member) throw imageChoice(facts)
  return { ...facts, sums: sumsToCheck(facts, request.options) }
}
