import type { Drive } from '../contract.ts'
import { decimalSize } from '../decimal-size.ts'
import type { DriveFacts } from './facts.ts'

export { decimalSize }

const gigabyte = 1_000_000_000

/** For people: "SanDisk Cruzer 16 GB", as on the label. */
export function driveName(facts: DriveFacts): string {
  const size = facts.sizeBytes === 0 ? '' : sizeOnLabel(facts)
  return [maker(facts), size].filter((part) => part !== '').join(' ')
}

function maker({ vendor, model, kind, isCard, bus }: DriveFacts): string {
  if (kind === 'virtual') return `Virtual drive ${model ?? ''}`.trim()
  const known =
    model !== null && vendor !== null && model.toLowerCase().startsWith(vendor.toLowerCase())
      ? model
      : [vendor, model].filter(Boolean).join(' ')
  if (known !== '') return known.replace(/\s+/g, ' ')
  if (kind === 'composed') return 'Combined volume'
  if (kind === 'optical') return 'Optical drive'
  if (isCard) return 'Card'
  return bus === 'usb' ? 'USB drive' : 'Disk'
}

/** Sticks and cards hold up to a tenth less than the power of two that is printed on them; other drives what they say. */
function sizeOnLabel(facts: DriveFacts): string {
  const picture = drivePicture(facts)
  if (picture === 'card' || picture === 'stick') {
    const printed = 2 ** Math.ceil(Math.log2(facts.sizeBytes / gigabyte) - 0.07)
    const share = facts.sizeBytes / (printed * gigabyte)
    if (printed >= 1 && share >= 0.9) return printed >= 1024 ? `${printed / 1024} TB` : `${printed} GB`
  }
  return decimalSize(facts.sizeBytes)
}

export function drivePicture(facts: DriveFacts): Drive['picture'] {
  if (facts.kind === 'virtual' || facts.kind === 'composed') return 'virtual'
  if (facts.isCard) return 'card'
  return facts.removable && facts.bus === 'usb' && !looksLikeDisk(facts) ? 'stick' : 'disk'
}

/** Cases for disks answer on USB too; no stick is that large, and they name themselves. */
function looksLikeDisk({ model, sizeBytes }: DriveFacts): boolean {
  return (
    sizeBytes > 1100 * gigabyte ||
    /\b(ssd|hdd|portable|external|expansion|passport|elements|backup|t[579]|x[59])\b/i.test(model ?? '')
  )
}
