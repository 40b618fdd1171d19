import type { KnownImage } from '../contract.ts'
import { gptSectorSizes, parseGptEntries, parseGptHeader } from '../volumes/gpt.ts'
import { mbrBytes, parseMbr } from '../volumes/mbr.ts'

/** A partition as far as an installer decides about it: its type, and how large. */
interface Shape {
  type: string
  startSector: number
  sectors: number
}

const bootFat = '0C'
const linux = '83'
const linuxGuid = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const efiGuid = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
const sectorsAMiB = 2048
/** What the installers give: lamponepi-install.sh, and the specification of liveng. */
const kernelSectors = 256 * sectorsAMiB
const lamponeBootSectors = 256 * sectorsAMiB
const livengBootSectors = 32 * sectorsAMiB
/** Its image is published for cards of 8 GB, which have that at least. */
const lamponeLeastBytes = 7_200_000_000

/**
 * Whose image it is, by the partition table at its beginning, which is all of it that can be read before it is unpacked; null for any other. An installer gives these sizes and this order, and
 * nobody else does. What is on the card in truth, a look at it tells afterwards.
 */
export function knownImage(head: Uint8Array): KnownImage | null {
  const shapes = mbrShapes(head) ?? gptShapes(head)
  const [first, second, third, fourth] = shapes ?? []
  if (!first || !second || !third || !fourth || shapes?.length !== 4) return null
  const endBytes = (fourth.startSector + fourth.sectors) * 512
  const types = [first.type, second.type, third.type, fourth.type].join(' ')
  if (types === `${bootFat} ${linux} ${linux} ${linux}` && first.sectors === lamponeBootSectors && third.sectors === kernelSectors)
    return { system: 'lampone', name: 'Lampone Pi', endBytes, leastCardBytes: lamponeLeastBytes }
  const isLiveng = types === `${linuxGuid} ${linuxGuid} ${efiGuid} ${linuxGuid}`
  if (isLiveng && second.sectors === kernelSectors && third.sectors === livengBootSectors)
    return { system: 'liveng', name: 'a liveng system', endBytes, leastCardBytes: null }
  return null
}

function mbrShapes(head: Uint8Array): Shape[] | null {
  const { value: table } = head.length < mbrBytes ? { value: null } : parseMbr(head.subarray(0, mbrBytes))
  if (!table || table.entries.some(({ sectors }) => sectors === 0)) return null
  return table.entries.map(({ type, startSector, sectors }) => ({
    type: type.toString(16).padStart(2, '0').toUpperCase(),
    startSector,
    sectors,
  }))
}

function gptShapes(head: Uint8Array): Shape[] | null {
  const [sectorSize] = gptSectorSizes
  const { value: header } = parseGptHeader(head.subarray(sectorSize, 2 * sectorSize), 1)
  const { value: partitions } = header ? parseGptEntries(head.subarray(header.entriesLba * sectorSize), header) : { value: null }
  return (
    partitions?.map(({ typeGuid, firstLba, lastLba }) => ({
      type: typeGuid.toUpperCase(),
      startSector: firstLba,
      sectors: lastLba - firstLba + 1,
    })) ?? null
  )
}
