import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { DriveKind } from '../../facts.ts'
import { type BlockNode, linkName, text } from './sysfs.ts'

export interface Description {
  kind: DriveKind
  vendor: string | null
  model: string | null
  serial: string | null
  bus: string
  removable: boolean
  isCard: boolean
}

/** Makers by the number in a card's CID register, of those that are sure (the list of mmc-utils). */
const cardMakers: Record<string, string> = {
  '0x000001': 'Panasonic',
  '0x000003': 'SanDisk',
  '0x00001b': 'Samsung',
  '0x000028': 'Lexar',
  '0x000041': 'Kingston',
  '0x000074': 'Transcend',
  '0x000076': 'Patriot',
}

/** What the device says of itself. Only sysfs is asked, so that the answer is the same with and without udev, before and after opening. */
export async function describe(node: BlockNode): Promise<Description> {
  const kind = kindOf(node)
  const device = join(node.folder, 'device')
  const isVirtual = kind === 'virtual' || kind === 'composed'
  const bus = isVirtual ? 'virtual' : busOf(node)
  const [vendor, model, serial] = isVirtual
    ? [null, virtualModel(node), null]
    : [await vendorOf(device, bus), await modelOf(device, bus), await serialOf(node, device)]
  const cardType = bus === 'mmc' ? await text(join(device, 'type')) : null
  const isCard =
    cardType === 'SD' || (node.removable && /card|\bsd\b|sdxc|sdhc|\bmmc\b|crw|multi.?reader/i.test(`${vendor} ${model}`))
  const removable = node.removable || cardType === 'SD' || ['usb', 'firewire', 'thunderbolt'].includes(bus)
  return { kind, vendor, model, serial, bus, removable, isCard }
}

function kindOf(node: BlockNode): DriveKind {
  if (/^(dm-|md)/.test(node.name) || node.slaves.length > 0) return 'composed'
  if (/^(loop|z?ram|nbd|pmem|rbd|rnbd|ublk|drbd)/.test(node.name) || node.folder.includes('/devices/virtual/')) return 'virtual'
  if (/^(sr|scd)\d/.test(node.name)) return 'optical'
  return /^mmcblk\d+(boot|rpmb|gp)/.test(node.name) ? 'boot-area' : 'disk'
}

/** Read off the way through the device tree, innermost bus first. */
function busOf(node: BlockNode): string {
  const way = node.folder
  if (/\/usb\d+\//.test(way)) return 'usb'
  if (/\/mmc_host\//.test(way)) return 'mmc'
  if (/\/nvme\d/.test(way)) return 'nvme'
  if (/\/virtio\d+\//.test(way)) return 'virtio'
  if (/\/ata\d+\//.test(way)) return 'sata'
  if (/\/fw\d+/.test(way)) return 'firewire'
  if (/\/(end_device|sas_target)/.test(way)) return 'sas'
  return /\/host\d+\//.test(way) ? 'scsi' : 'other'
}

async function vendorOf(device: string, bus: string): Promise<string | null> {
  if (bus === 'mmc') return cardMakers[(await text(join(device, 'manfid'))) ?? ''] ?? null
  const vendor = await text(join(device, 'vendor'))
  // A PCI number instead of a name, or the bus where a maker should stand.
  return vendor === null || /^0x|^(ATA|USB|Generic-?)$/i.test(vendor) ? null : vendor
}

async function modelOf(device: string, bus: string): Promise<string | null> {
  return text(join(device, bus === 'mmc' ? 'name' : 'model'))
}

function virtualModel(node: BlockNode): string {
  if (node.backingFile !== null) return `${node.name} (${basename(node.backingFile)})`
  return node.name
}

async function serialOf(node: BlockNode, device: string): Promise<string | null> {
  const own = (await text(join(device, 'serial'))) ?? (await text(join(node.folder, 'serial')))
  return (
    own ??
    (await usbSerial(node)) ??
    (await scsiSerial(device)) ??
    (await text(join(device, 'wwid'))) ??
    (await text(join(node.folder, 'wwid')))
  )
}

/** The nearest USB device on the way up; many cheap sticks have none. */
async function usbSerial(node: BlockNode): Promise<string | null> {
  if (!/\/usb\d+\//.test(node.folder)) return null
  for (let folder = dirname(node.folder); folder.includes('/usb'); folder = dirname(folder)) {
    if ((await linkName(join(folder, 'subsystem'))) !== 'usb') continue
    if ((await text(join(folder, 'idVendor'))) !== null) return text(join(folder, 'serial'))
  }
  return null
}

/** Vital product data page 0x80, the unit's serial number (SPC-4, 7.8.18): four bytes of header, then text. */
async function scsiSerial(device: string): Promise<string | null> {
  const page = await readFile(join(device, 'vpd_pg80')).catch(() => null)
  if (page === null || page.length <= 4 || page[1] !== 0x80) return null
  return page.toString('latin1', 4).replaceAll('\0', '').trim() || null
}
