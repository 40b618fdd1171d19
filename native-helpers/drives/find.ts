import { resolve } from 'node:path'
import type { Drive } from '../contract.ts'
import { driveNotFound, drivePartition, notADrive } from './errors.ts'
import type { DriveFacts } from './facts.ts'
import { rememberShown, type Sighting, sightingOf } from './identity.ts'
import { driveOf } from './list.ts'
import { driveName } from './name.ts'
import { platform } from './platform/index.ts'

/** The drive behind any name of it: a link, an alias, a relative path. A partition is refused with the name of its drive. */
export async function findDrive(path: string): Promise<Drive> {
  return (await sightDrive(path)).drive
}

/** The same, with what tells this drive from another one that takes its place later. */
export async function sightDrive(path: string): Promise<{ drive: Drive; sighting: Sighting }> {
  const facts = await findFacts(path)
  rememberShown([facts])
  return { drive: driveOf(facts), sighting: sightingOf(facts) }
}

export async function findFacts(path: string): Promise<DriveFacts> {
  const located = await (await platform()).locate(process.platform === 'win32' ? path : resolve(path))
  if (located.is === 'drive') return located.facts
  if (located.is === 'partition') throw drivePartition(path, located.whole.path, driveName(located.whole))
  if (located.is === 'other') throw notADrive(path, located.what)
  throw driveNotFound(path)
}
