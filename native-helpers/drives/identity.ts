import type { Identity } from '../contract.ts'
import { driveChanged } from './errors.ts'
import type { DriveFacts } from './facts.ts'
import { decimalSize } from './name.ts'
import type { OpenedFacts } from './platform/types.ts'

/** The model of each drive as it was last shown. It stands in for the serial number that many cheap sticks do not have. */
const shownModels = new Map<string, string | null>()

export function identityOf(facts: DriveFacts): Identity {
  const identity = { path: facts.path, serial: facts.serial, sizeBytes: facts.sizeBytes }
  shownModels.set(keyOf(identity), facts.model)
  return identity
}

/** Throws `drive-changed` when the drive that has the path now is not the one that was confirmed. */
export function compareIdentity(confirmed: Identity, now: DriveFacts): void {
  if (confirmed.sizeBytes !== now.sizeBytes) throw driveChanged(confirmed, sizeDifference(confirmed.sizeBytes, now.sizeBytes))
  if (confirmed.serial !== now.serial) throw driveChanged(confirmed, 'its serial number is another')
  if (confirmed.serial !== null) return
  const shown = shownModels.get(keyOf(confirmed))
  if (shown !== undefined && shown !== now.model)
    throw driveChanged(confirmed, `it was ${shown ?? 'unnamed'}, and is ${now.model ?? 'unnamed'} now`)
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

function keyOf({ path, sizeBytes }: Identity): string {
  return `${path}\n${sizeBytes}`
}
