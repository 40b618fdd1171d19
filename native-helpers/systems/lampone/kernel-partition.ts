import type { BlockDevice } from '../../block/device.ts'
import { decimalSize } from '../../decimal-size.ts'
import { isoContentRange } from '../../volumes/iso9660-extent.ts'
import { dateOfIsoUuid, forgetIsoSession, setIsoUuid } from '../../volumes/iso9660-identity.ts'
import { firstContentSector, makeIso9660 } from '../../volumes/making/iso9660.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import type { ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import { type IsoPart, initrdPath, kernelPath } from './iso-part.ts'
import type { KernelSource } from './kernel-source.ts'

const sectorBytes = 2048
/** Descriptors, tables of folders and folders come to 8 sectors; the rest is the two files. */
const mostOtherSectors = 16

export interface KernelRewrite {
  volume: CardVolume
  /** What starts from there now; null where nothing does. */
  bootable: IsoPart | null
  volumeId: string
  uuid: string
  source: KernelSource
}

/** Where in the partition the new volume goes, beside what has to stay whole until the end. */
interface Room {
  contentSector: number
  keepsOld: boolean
}

/**
 * Writes the kernel partition anew with the two files that a start needs. While what starts now can stay beside the new one, the switch is the first
 * sector of one descriptor: a power cut leaves the old kernel or the new one. False where the files do not fit into the partition.
 */
export function rewriteKernel(draft: ChangeDraft, rewrite: KernelRewrite): boolean {
  const { volume, bootable, volumeId, uuid, source } = rewrite
  const name = `Partition ${volume.number}`
  const date = dateOfIsoUuid(uuid)
  if (!date) {
    draft.notes.push(`${name} is left as it is: its identity ${uuid} is no date, as which it would be written.`)
    return false
  }
  const device = writable(draft.part(volume.startBytes, volume.device.size))
  const room = roomFor(device, source, bootable !== null)
  if (!room) {
    const needed = decimalSize(source.kernel.size + source.initrd.size)
    draft.notes.push(
      `${name} is left as it is: Linux ${source.version} needs ${needed} and the partition has ${decimalSize(device.size)}.`,
    )
    return false
  }
  const entries: NewEntry[] = [
    { kind: 'file', path: kernelPath, content: source.kernel },
    { kind: 'file', path: initrdPath, content: source.initrd },
  ]
  draft.witnesses.push({ offset: volume.startBytes + 16 * sectorBytes, lengthBytes: sectorBytes })
  makeIso9660(device, { volumeId, entries, date, contentSector: room.contentSector, settle: () => draft.endGroup() })
  draft.endGroup()
  forgetIsoSession(device)
  draft.endGroup()
  draft.steps.push(`${name} ("${volumeId}"): write the kernel anew, Linux ${source.version} from ${source.place}.`)
  if (bootable && !room.keepsOld) {
    draft.notes.push(
      `${name} has no room for the new kernel beside the old one. If the power fails while it is written, the usual start fails; the repair entry of the boot menu starts then, and the undo file takes all of it back.`,
    )
  }
  return true
}

function roomFor(device: BlockDevice, { kernel, initrd }: KernelSource, keep: boolean): Room | null {
  const needed = mostOtherSectors + Math.ceil(kernel.size / sectorBytes) + Math.ceil(initrd.size / sectorBytes)
  const sectors = Math.floor(device.size / sectorBytes)
  if (firstContentSector + needed > sectors) return null
  const old = keep ? isoContentRange(device) : null
  if (old && firstContentSector + needed <= Math.floor(old.start / sectorBytes))
    return { contentSector: firstContentSector, keepsOld: true }
  const behind = old ? Math.max(firstContentSector, old.end / sectorBytes) : 0
  if (old && behind + needed <= sectors) return { contentSector: behind, keepsOld: true }
  return { contentSector: firstContentSector, keepsOld: false }
}

/** Another identity for the kernel partition, which differs from the one it has in one digit: it changes at once, and so do the boot menus. */
export function renameKernel(draft: ChangeDraft, { volume }: IsoPart, uuid: string): void {
  setIsoUuid(draft.part(volume.startBytes, volume.device.size), uuid)
  draft.endGroup()
  draft.steps.push(`Partition ${volume.number}: give it an identity of its own, ${uuid}.`)
}

/** The last digit, which stands for hundredths of a second, counted on until nobody else has it. */
export function freeUuidNear(uuid: string, taken: ReadonlySet<string>): string {
  const digits = Number(uuid.slice(-1))
  for (let step = 1; step < 10; step += 1) {
    const next = `${uuid.slice(0, -1)}${(digits + step) % 10}`
    if (!taken.has(next)) return next
  }
  throw new RangeError('ten volumes of one card have nearly the same UUID')
}

function writable({ writeSync, flushSync, ...rest }: BlockDevice): WritableDevice {
  if (!writeSync || !flushSync) throw new TypeError('a part of a draft can be written to')
  return { ...rest, writeSync, flushSync }
}
