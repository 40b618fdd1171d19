import type { StreamDevice } from '../block/device.ts'
import { fdDevice } from '../block/fd-device.ts'
import type { Identity } from '../contract.ts'
import { driveRefused } from './errors.ts'
import type { DriveFacts } from './facts.ts'
import { findFacts } from './find.ts'
import { compareIdentity, compareOpened, type Sighting } from './identity.ts'
import { driveName } from './name.ts'
import { platform } from './platform/index.ts'
import type { OpenMode } from './platform/types.ts'
import { refusalsFor, standingRefusals } from './rules.ts'

/**
 * The one way to a drive that can be written. Everything is looked at anew: that the drive is the confirmed one, that it may be written,
 * and, once it is claimed for us alone, that what stands behind the descriptor is still the same drive.
 */
export async function openForWriting(
  identity: Identity,
  options: { allowVirtual: boolean; sighting?: Sighting },
): Promise<StreamDevice> {
  const facts = await findFacts(identity.path)
  compareIdentity(identity, facts, options.sighting)
  const refusals = standingRefusals(refusalsFor(facts), options.allowVirtual)
  if (refusals.length > 0) throw driveRefused(facts.path, driveName(facts), refusals)
  await (await platform()).unmountAll(facts)
  return openChecked(facts, 'write', identity)
}

/** To compare or to look; mounted volumes stay mounted. */
export async function openForReading(path: string, chosen?: { identity: Identity; sighting?: Sighting }): Promise<StreamDevice> {
  const facts = await findFacts(path)
  if (chosen) compareIdentity(chosen.identity, facts, chosen.sighting)
  return openChecked(facts, 'read', { path: facts.path, serial: facts.serial, sizeBytes: facts.sizeBytes })
}

async function openChecked(facts: DriveFacts, mode: OpenMode, identity: Identity): Promise<StreamDevice> {
  const system = await platform()
  const opened = await system.open(facts, mode)
  const device = fdDevice({
    handle: opened.fd,
    direct: opened.direct,
    label: driveName(facts),
    sizeBytes: facts.sizeBytes,
    sectorSize: facts.sectorSize,
    stillThere: () => isStillThere(facts),
  })
  try {
    compareOpened(identity, facts, opened.facts)
  } catch (thrown) {
    await device.close()
    throw thrown
  }
  if (mode === 'read') return device
  return {
    ...device,
    async close() {
      await device.close()
      await system.reread(facts)
    },
  }
}

/** Told by size and, where the platform counts them, by the medium: a pulled stick leaves an empty place, or another drive in it. */
async function isStillThere(facts: DriveFacts): Promise<boolean> {
  const now = (await (await platform()).gather()).find(({ path }) => path === facts.path)
  return now !== undefined && now.sizeBytes === facts.sizeBytes && now.attachment === facts.attachment
}
