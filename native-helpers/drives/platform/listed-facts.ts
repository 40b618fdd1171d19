import type { DriveFacts, Use } from '../facts.ts'
import type { ListedDrive } from './listed.ts'

/** The facts of a drive as drivelist tells them, for the platforms where it is the one source. */
export function factsFromListed(drive: ListedDrive): DriveFacts {
  const isDisk = drive.isVirtual !== true
  return {
    path: drive.device,
    kind: isDisk ? 'disk' : 'virtual',
    deviceNumber: null,
    attachment: null,
    // The place in the device tree; on Windows it holds the serial number, on macOS the bus path.
    serial: drive.devicePath || null,
    sizeBytes: drive.size ?? 0,
    vendor: null,
    model: drive.description.trim() || null,
    bus: drive.busType.toLowerCase() || 'other',
    removable: drive.isRemovable,
    readOnly: drive.isReadOnly,
    sectorSize: drive.logicalBlockSize || drive.blockSize || 512,
    isCard: drive.isCard === true || /secure digital|^(sd|mmc)$|card ?reader/i.test(`${drive.busType}\n${drive.description}`),
    isSystem: drive.isSystem,
    // drivelist knows mounted volumes only, and not their sizes: they are told as of the whole drive.
    volumes: [],
    whole: { label: labelsOf(drive), fs: null, mounts: drive.mountpoints.map(({ path }) => path) },
    uses: drive.mountpoints.map(({ path }): Use => ({ kind: 'mount', at: path, through: null })),
  }
}

function labelsOf(drive: ListedDrive): string | null {
  const labels = drive.mountpoints.map(({ label }) => label).filter((label) => label !== null && label !== '')
  return labels.length > 0 ? labels.join(', ') : null
}

/** Calls `onHint` every other second: these platforms tell nobody of new drives without native code. */
export function everyTwoSeconds(onHint: () => void): () => void {
  const timer = setInterval(onHint, 2000)
  timer.unref()
  return () => clearInterval(timer)
}
