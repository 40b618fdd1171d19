import type { Identity, ImageFacts, Refusal } from '../contract.ts'
import { decimalSize } from '../drives/name.ts'
import { LivecardError } from '../errors.ts'

/** Why a flash is not planned. Nothing was written in any of these. */

const nothingWritten = 'Nothing was written.'

/** The code names the first reason: drive-system, drive-mounted-system, drive-swap, drive-holder, drive-virtual, drive-read-only, drive-empty. */
export function driveRefused(path: string, name: string, refusals: readonly Refusal[]): LivecardError {
  const [first] = refusals
  const onlyVirtual = refusals.every(({ code }) => code === 'virtual')
  return new LivecardError('refused', `drive-${first?.code ?? 'unknown'}`, {
    message: `${path} (${name}) is not written: ${refusals.map(({ reason }) => reason).join(' ')}`,
    meaning: nothingWritten,
    next: onlyVirtual ? 'If you do mean it, allow virtual drives (--allow-virtual).' : 'Choose another drive.',
  })
}

export function driveChanged(path: string, what: string): LivecardError {
  return new LivecardError('refused', 'drive-changed', {
    message: `${path} is no longer the drive that was chosen: ${what}.`,
    meaning: nothingWritten,
    next: 'Look at the list of drives again and choose anew.',
  })
}

export function changedSince(confirmed: Identity | undefined, planned: Identity): LivecardError {
  if (!confirmed) return driveChanged(planned.path, 'it was not confirmed')
  const what = confirmed.sizeBytes === planned.sizeBytes ? 'its serial number is another' : 'its size is another'
  return driveChanged(planned.path, what)
}

export function targetTwice(name: string): LivecardError {
  return new LivecardError('usage', 'target-twice', {
    message: `${name} is named twice as a target.`,
    meaning: nothingWritten,
    next: 'Name each target once.',
  })
}

export function imageTooLarge(facts: ImageFacts, name: string, sizeBytes: number): LivecardError {
  const contentBytes = facts.contentBytes ?? 0
  return new LivecardError('refused', 'image-too-large', {
    message: `${facts.name} needs ${decimalSize(contentBytes)} (${contentBytes} bytes), and ${name} holds ${decimalSize(sizeBytes)} (${sizeBytes} bytes).`,
    meaning: nothingWritten,
    next: 'Take a larger card, or a smaller image.',
  })
}

export function imageOnTarget(facts: ImageFacts, name: string): LivecardError {
  return new LivecardError('refused', 'image-on-target', {
    message: `${facts.name} lies on ${name} itself; writing would destroy the image while it is being read.`,
    meaning: nothingWritten,
    next: 'Copy the image to this computer first, or choose another drive.',
  })
}

export function imageChoice(facts: ImageFacts): LivecardError {
  return new LivecardError('usage', 'image-choice', {
    message: `${facts.name} holds several images: ${facts.members.map(({ name }) => name).join(', ')}.`,
    meaning: nothingWritten,
    next: 'Say which one of them is to be written.',
  })
}

export function fileTarget(code: string, message: string, next: string, kind: 'usage' | 'refused' = 'usage'): LivecardError {
  return new LivecardError(kind, code, { message, meaning: nothingWritten, next })
}

export function planUnknown(): LivecardError {
  return new LivecardError('usage', 'plan-unknown', {
    message: 'This plan is not known: it was carried out already, or is older than 15 minutes.',
    meaning: nothingWritten,
    next: 'Make the plan anew, and confirm the new one.',
  })
}
