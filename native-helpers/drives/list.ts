import type { Drive } from '../contract.ts'
import type { DriveFacts } from './facts.ts'
import { identityOf, rememberShown } from './identity.ts'
import { driveName, drivePicture } from './name.ts'
import { platform } from './platform/index.ts'
import { refusalsFor } from './rules.ts'

/** All drives of this machine, each with the reasons why it may not be written. Empty loop devices and the like are left out. */
export async function listDrives(): Promise<Drive[]> {
  const facts = await listFacts()
  const drives = facts.map(driveOf)
  rememberShown(facts)
  shown = JSON.stringify(drives)
  return drives
}

let shown: string | null = null

/** The last answer of `listDrives`, as text; null before the first. A watcher that starts later compares with it. */
export function lastShown(): string | null {
  return shown
}

/** What `listDrives` is made from; the drives that it shows. */
export async function listFacts(): Promise<DriveFacts[]> {
  const facts = await (await platform()).gather()
  return facts.filter((drive) => !(drive.kind === 'virtual' && drive.sizeBytes === 0))
}

export function driveOf(facts: DriveFacts): Drive {
  return {
    identity: identityOf(facts),
    name: driveName(facts),
    vendor: facts.vendor,
    model: facts.model,
    bus: facts.bus,
    removable: facts.removable,
    readOnly: facts.readOnly,
    virtual: facts.kind === 'virtual',
    sectorSize: facts.sectorSize,
    picture: drivePicture(facts),
    partitions: facts.volumes,
    whole: facts.whole,
    refusals: refusalsFor(facts),
  }
}
