import type { BlockDevice } from '../block/device.ts'
import { type Identity, labelText, labelUtf16, startsWith } from './identity.ts'
import { pieceOf } from './piece.ts'

/** ECMA-119, 8: volume descriptors lie from sector 16 of 2048 bytes on. */
const sectorBytes = 2048
const descriptorsOffset = 16 * sectorBytes
const maxDescriptors = 16
const supplementary = 2
const terminator = 255
/** Joliet: the escape sequences of UCS-2 levels 1 to 3. */
const jolietEscapes = ['%/@', '%/C', '%/E']

/** libblkid/src/superblocks/iso9660.c: the label of a Joliet tree is taken only where it is another one than the volume's own. */
export function identifyIso9660(device: BlockDevice): Identity | null {
  const primary = pieceOf(device, descriptorsOffset, sectorBytes)
  if (!primary) return null
  if (startsWith(primary, 'CDROM', 9)) return { type: 'iso9660', label: labelText(primary.subarray(48, 80)), uuid: null }
  if (!startsWith(primary, 'CD001', 1)) return null
  const own = primary.subarray(40, 72)
  return { type: 'iso9660', label: jolietLabel(device, own) ?? labelText(own), uuid: isoUuid(primary) }
}

function jolietLabel(device: BlockDevice, own: Uint8Array): string | null {
  for (let index = 1; index <= maxDescriptors; index += 1) {
    const descriptor = pieceOf(device, descriptorsOffset + index * sectorBytes, sectorBytes)
    if (!descriptor || descriptor[0] === terminator) return null
    if (descriptor[0] !== supplementary || !jolietEscapes.some((sequence) => startsWith(descriptor, sequence, 88))) continue
    const joliet = descriptor.subarray(40, 72)
    const same = Array.from({ length: 16 }, (_, at) => joliet[2 * at] === 0 && joliet[2 * at + 1] === own[at])
    return same.every(Boolean) ? null : labelUtf16(joliet, 'big')
  }
  return null
}

/** The digits of the modification date, or of the creation date where that is unset; as GRUB and live-boot look for it. */
export function isoUuid(primary: Uint8Array): string | null {
  const digits = dateDigits(primary.subarray(830, 847)) ?? dateDigits(primary.subarray(813, 830)) ?? ''
  const text = `${digits.slice(0, 4)}-${digits.slice(4).match(/../gs)?.join('-') ?? ''}`
  const end = text.indexOf('\0')
  return digits && end !== 0 ? Buffer.from(text.slice(0, end < 0 ? undefined : end), 'latin1').toString('utf8') : null
}

/** ECMA-119, 8.4.26.1: sixteen digits and an offset from GMT; all '0' and no offset stands for unset. */
function dateDigits(date: Uint8Array): string | null {
  const digits = Buffer.from(date.subarray(0, 16)).toString('latin1')
  return digits === '0'.repeat(16) && date[16] === 0 ? null : digits
}
