import type { BlockDevice } from '../block/device.ts'
import { isoUuid } from './identify-iso9660.ts'
import { startsWith } from './identity.ts'
import { pieceOf } from './piece.ts'

const sectorBytes = 2048
const descriptorSector = 16
/** ECMA-119, 8.4.26 and 8.4.27; sixteen digits each. */
const dateOffsets = { created: 813, modified: 830 }
const dateDigits = 16
/** Where xorriso begins what it has changed of an image; such a volume has its descriptor there once more. */
const sessionSector = 32

/** The date that a volume needs for this UUID; null where that is not one of an ISO volume, or no date. */
export function dateOfIsoUuid(uuid: string): Date | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)$/.exec(uuid)
  if (!match) return null
  const [year = '', month, day, hour, minute, second, hundredths] = match.slice(1)
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${hundredths}0Z`)
  return !Number.isNaN(date.getTime()) && isoUuidOfDate(date) === uuid ? date : null
}

/** As blkid, GRUB and live-boot make it of the date. */
export function isoUuidOfDate(date: Date): string {
  return date.toISOString().slice(0, 22).replace(/[:T.]/g, '-')
}

/**
 * Gives a volume another UUID of the same form. The digits that differ are written and nothing else; those of both dates lie in one sector of 512 bytes,
 * so that they change at once. False where there is no volume.
 */
export function setIsoUuid(device: BlockDevice, uuid: string): boolean {
  const digits = Buffer.from(uuid.replaceAll('-', ''), 'latin1')
  if (digits.length !== dateDigits) throw new TypeError(`"${uuid}" is no UUID of an ISO volume`)
  const before = uuidAt(device, descriptorSector)
  if (before === null) return false
  for (const sector of [sessionSector + descriptorSector, descriptorSector]) {
    if (uuidAt(device, sector) !== before) continue
    for (const offset of [dateOffsets.created, dateOffsets.modified]) device.writeSync?.(digits, sector * sectorBytes + offset)
  }
  return true
}

/** The descriptor of an earlier session, which would tell of a volume that is not there any more, becomes nothing. */
export function forgetIsoSession(device: BlockDevice): void {
  if (uuidAt(device, sessionSector + descriptorSector) === null) return
  device.writeSync?.(new Uint8Array(2 * sectorBytes), (sessionSector + descriptorSector) * sectorBytes)
}

function uuidAt(device: BlockDevice, sector: number): string | null {
  const descriptor = pieceOf(device, sector * sectorBytes, sectorBytes)
  return descriptor?.[0] === 1 && startsWith(descriptor, 'CD001', 1) ? isoUuid(descriptor) : null
}
