import { randomUUID } from 'node:crypto'
import { slice } from '../../block/slice.ts'
import { makeGpt } from '../../volumes/making/make-gpt.ts'
import { isZeros, type WritableDevice } from '../../volumes/making/new-entry.ts'

export interface GptPart {
  name: string
  typeGuid: string
  sizeMiB: number
  attributes?: bigint
}

/** UEFI specification, table 5.7, and the Discoverable Partitions Specification. */
export const partTypes = {
  efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  basicData: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const

const MiB = 1024 * 1024
const copyBytes = MiB

export interface GptCardOptions {
  alignMiB: number
  /** As if the image had been made for a card of this size; the whole card without. */
  imageMiB?: number
}

/** A table with these partitions one behind the other; each of them as a device, in their order. */
export function partitionCard(
  card: WritableDevice,
  parts: readonly GptPart[],
  { alignMiB, imageMiB }: GptCardOptions,
): WritableDevice[] {
  const { sectorSize } = card
  const devices: WritableDevice[] = []
  let nextMiB = alignMiB
  const partitions = parts.map(({ name, typeGuid, sizeMiB, attributes }) => {
    const start = nextMiB * MiB
    nextMiB = Math.ceil((nextMiB + sizeMiB) / alignMiB) * alignMiB
    devices.push(part(card, start, sizeMiB * MiB))
    const lastLba = (start + sizeMiB * MiB) / sectorSize - 1
    return { name, typeGuid, uniqueGuid: randomUUID(), firstLba: start / sectorSize, lastLba, attributes }
  })
  makeGpt(card, { diskGuid: randomUUID(), partitions, diskBytes: imageMiB === undefined ? card.size : imageMiB * MiB })
  return devices
}

function part(card: WritableDevice, offset: number, sizeBytes: number): WritableDevice {
  return {
    ...slice(card, offset, sizeBytes),
    writeSync: (bytes, at) => {
      if (at < 0 || at + bytes.length > sizeBytes)
        throw new RangeError(`${bytes.length} bytes at ${at} do not lie within the partition`)
      card.writeSync(bytes, offset + at)
    },
    flushSync: () => card.flushSync(),
  }
}

/** The same bytes on another device that reads as zeros so far. */
export function copyVolume(from: WritableDevice, to: WritableDevice): void {
  for (let offset = 0; offset < from.size; offset += copyBytes) {
    const bytes = new Uint8Array(Math.min(copyBytes, from.size - offset))
    from.readSync(bytes, offset)
    if (!isZeros(bytes)) to.writeSync(bytes, offset)
  }
}
