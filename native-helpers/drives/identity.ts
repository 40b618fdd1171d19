import type { Identity } from '../contract.ts'
import { driveChanged } from './errors.ts'
import type { DriveFacts } from './facts.ts'
import { decimalSize } from './name.ts'
import type { OpenedFacts } from './platform/types.ts'

/** Stands in for the serial number where that says nothing: many cheap sticks have none, and a card reader's is the same whichever card is in it. */
export type Sighting = Pick<DriveFacts, 'model' | 'attachment'>

/** What each drive was when it was last shown to somebody. */
const shown = new Map<string, Sighting>()

export function identityOf(facts: DriveFacts): Identity {
  return { path: facts.path, serial: facts.serial, sizeBytes: facts.sizeBytes }
}

/** To be called with whatever is answered to somebody who may confirm it. */
export function rememberShown(drives: DriveFacts[]): void {
  for (const facts of drives) shown.set(keyOf(facts), sightingOf(facts))
}

export function sightingOf({ model, attachment }: DriveFacts): Sighting {
  return { model, attachment }
}

/**
 * Throws `drive-changed` when the drive that has the path now is not the one that was confirmed. `seen` is what was confirmed, where that is known: what
 * was shown last may already be the card that took its place, and nobody has said yes to that one.
 */
export function compareIdentity(confirmed: Identity, now: DriveFacts, seen?: Sighting): void {
  if (confirmed.sizeBytes !== now.sizeBytes) throw driveChanged(confirmed, sizeDifference(confirmed.sizeBytes, now.sizeBytes))
  if (confirmed.serial !== now.serial) throw driveChanged(confirmed, 'its serial number is another')
  const before = seen ?? shown.get(keyOf(now))
  if (!before || (now.serial !== null && !now.isCard)) return
  if (before.model !== now.model)
    throw driveChanged(confirmed, `it was ${before.model ?? 'unnamed'}, and is ${now.model ?? 'unnamed'} now`)
  if (before.attachment !== now.attachment) throw driveChanged(confirmed, 'it was taken out since, and this may be another one')
}

/** The same for the drive behind an open descriptor, against what was found a moment before it was opened. */
export function compareOpened(confirmed: Identity, found: DriveFacts, opened: OpenedFacts): void {
  if (opened.deviceNumber !== found.deviceNumber) throw driveChanged(confirmed, 'its name belongs to another device now')
  if (opened.attachment !== found.attachment) throw driveChanged(confirmed, 'it was taken out while it was being opened')
  if (opened.sizeBytes !== confirmed.sizeBytes) throw driveChanged(confirmed, sizeDifference(confirmed.sizeBytes, opened.sizeBytes))
  if (opened.serial !== confirmed.serial) throw driveChanged(confirmed, 'its serial number is another')
}

function sizeDifference(before: number, now: number): string {
  return `it had ${decimalSize(before)} (${before} bytes), and has ${decimalSize(now)} (${now} bytes) now`
}

function keyOf({ path, sizeBytes }: Pick<DriveFacts, 'path' | 'sizeBytes'>): string {
  return `${path}\n${sizeBytes}`
}
