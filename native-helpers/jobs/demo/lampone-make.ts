import { randomUUID } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { slice } from '../../block/slice.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { makeFat } from '../../volumes/making/fat.ts'
import { makeIso9660 } from '../../volumes/making/iso9660.ts'
import { makeGpt } from '../../volumes/making/make-gpt.ts'
import { makeMbr } from '../../volumes/making/make-mbr.ts'
import { memoryFile } from '../../volumes/making/memory-file.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import { makeSquashfs } from '../../volumes/squashfs/write.ts'
import { devicePath, runProgramSync } from '../../wasm/program.ts'
import {
  bootFiles,
  changedFiles,
  deleteStockFiles,
  kernelVersions,
  type LamponeLayout,
  startFiles,
  systemFiles,
  updatedFiles,
} from './lampone-files.ts'
import { makeExt } from './make-ext.ts'

const MiB = 1024 * 1024
/** The maker of squashfs wants to know how much room there is. */
const mostSystemBytes = 64 * MiB
export const lamponeCardBytes = 7_629 * MiB

export interface NewLampone {
  layout: LamponeLayout
  /** A kernel update has written the kernel partition anew. Its modules lie among the changes, or were deleted with them. */
  update?: 'with-modules' | 'modules-deleted'
  /** The power failed while that was written, within the kernel. */
  torn?: boolean
  /** Both ISO partitions get the same date, and so the same UUID. */
  sameSecond?: boolean
  /** Which entry of the boot menu is tried when the first one fails; there are two, counted from 0. */
  fallback?: number
  /** The partition for changes; without, up to the end of the card. */
  persistenceMiB?: number
  /** Nothing more can be saved. */
  full?: boolean
  /** The administrator has the password of the published images. */
  publishedPassword?: boolean
}

export type LamponePlaces = Record<'boot' | 'system' | 'kernel' | 'persistence', { start: number; size: number }>

/** Writes a card in the order in which the installers of this family do. Answers where its partitions lie. */
export async function makeLampone(card: WritableDevice, options: NewLampone): Promise<LamponePlaces> {
  const { layout, update, torn = false, sameSecond = false, fallback = 1, persistenceMiB, full = false } = options
  const { shipped, updated } = kernelVersions[layout]
  const systemDate = new Date(Date.UTC(2020, 5, 14, 12, 30, 11))
  const kernelDate = new Date(Date.UTC(2020, 5, 14, 12, 30, sameSecond ? 11 : 12))
  const names = layout === 'lampone' ? ['SK-SYSTEM1', 'SK-SYSTEM2'] : ['LIVENG_SYSTEM', 'LIVENG_SYSTEM2']
  const [systemName = '', kernelName = ''] = names

  const squashfs = memoryFile()
  squashfs.setSize(mostSystemBytes)
  squashfs.setSize(await makeSquashfs(squashfs, { entries: systemFiles(layout, options.publishedPassword), compressor: 'gzip' }))
  const start = startFiles(layout, shipped)
  const system = memoryFile()
  const image: NewEntry = { kind: 'file', path: 'live/filesystem.squashfs', content: squashfs }
  makeIso9660(system, { volumeId: systemName, entries: [...start, image], date: systemDate, sessionSector: 32 })

  const places = placesOf(card.size, layout, Math.ceil(system.size / MiB), persistenceMiB)
  writeTable(card, layout, places)
  copy(system, part(card, places.system))
  const kernel = part(card, places.kernel)
  makeIso9660(kernel, { volumeId: kernelName, entries: start, date: kernelDate, sessionSector: 32 })
  if (update) {
    const anew = memoryFile()
    makeIso9660(anew, { volumeId: kernelName, entries: startFiles(layout, updated), date: kernelDate })
    copy(anew, kernel, torn ? anew.size - lostBytes : anew.size)
  }
  const menu = { layout, fallback, systemUuid: uuidOf(systemDate), kernelUuid: uuidOf(kernelDate) }
  makeFat(part(card, places.boot), { label: 'UEFI Boot', entries: bootFiles(menu) })

  const persistence = part(card, places.persistence)
  const modules = update === 'with-modules' ? updatedFiles(layout) : []
  const large: NewEntry[] = full ? [{ kind: 'file', path: recording, content: new Uint8Array() }] : []
  makeExt(persistence, { label: 'persistence', entries: [...changedFiles(), ...modules, ...large], more: deleteStockFiles })
  if (full) fill(persistence)
  return places
}

/** As GRUB and blkid make it of the date: to hundredths of a second. */
function uuidOf(date: Date): string {
  return date.toISOString().replace(/[-:T]/g, '-').replace('.', '-').slice(0, 22)
}

const order: Record<LamponeLayout, (keyof LamponePlaces)[]> = {
  lampone: ['boot', 'system', 'kernel', 'persistence'],
  liveng: ['system', 'kernel', 'boot', 'persistence'],
}

function placesOf(cardBytes: number, layout: LamponeLayout, systemMiB: number, persistenceMiB?: number): LamponePlaces {
  const sizes = { boot: layout === 'lampone' ? 256 : 32, system: systemMiB, kernel: 256, persistence: persistenceMiB ?? 0 }
  const places = {} as LamponePlaces
  let end = 1
  // The second copy of a GPT needs the last 33 sectors.
  const last = Math.floor(cardBytes / MiB) - (layout === 'lampone' ? 0 : 1)
  for (const name of order[layout]) {
    const size = sizes[name] || last - end
    places[name] = { start: end * MiB, size: size * MiB }
    end += size
  }
  return places
}

const linuxGuid = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const efiGuid = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'

function writeTable(card: WritableDevice, layout: LamponeLayout, places: LamponePlaces): void {
  const sectors = order[layout].map((name) => ({ name, first: places[name].start / 512, count: places[name].size / 512 }))
  if (layout === 'lampone') {
    const partitions = sectors.map(({ name, first, count }) => ({
      type: name === 'boot' ? 0x0c : 0x83,
      startSector: first,
      sectors: count,
      active: name === 'boot',
    }))
    makeMbr(card, { diskSignature: 0x5eed_1a3b, partitions })
    return
  }
  makeGpt(card, {
    diskGuid: randomUUID(),
    partitions: sectors.map(({ name, first, count }) => ({
      typeGuid: name === 'boot' ? efiGuid : linuxGuid,
      uniqueGuid: randomUUID(),
      firstLba: first,
      lastLba: first + count - 1,
      name: name === 'boot' ? 'EFI System' : 'Linux filesystem',
    })),
  })
}

export function part(card: WritableDevice, { start, size }: { start: number; size: number }): WritableDevice {
  const { writeSync, flushSync, ...rest } = slice(card, start, size)
  if (!writeSync || !flushSync) throw new TypeError('a card that is made can be written to')
  return { ...rest, writeSync, flushSync }
}

/** The last part of the kernel, which lies behind everything else. */
const lostBytes = 24 * 1024

function copy(from: BlockDevice, to: WritableDevice, lengthBytes = from.size): void {
  for (let offset = 0; offset < lengthBytes; offset += MiB) {
    const bytes = new Uint8Array(Math.min(MiB, lengthBytes - offset))
    from.readSync(bytes, offset)
    to.writeSync(bytes, offset)
  }
}

/** What is kept for the administrator, and a little that nobody can do anything with. */
const keptShare = 0.05
const leftBytes = 2 * MiB
const recording = 'rw/home/user/recording.mkv'

/** A long recording, whose room is taken without writing it: so the card stays small on the disk. */
function fill(persistence: WritableDevice): void {
  const { value: facts } = readExtFacts(persistence)
  if (!facts || facts.freeBytes === null) throw new Error('the volume that was just made cannot be read')
  const { blockBytes, freeBytes, totalBytes } = facts
  const blocks = Math.floor((freeBytes - totalBytes * keptShare - leftBytes) / blockBytes)
  for (const command of [`fallocate /${recording} 0 ${blocks - 1}`, `sif /${recording} size ${blocks * blockBytes}`]) {
    const { exitCode, err } = runProgramSync({ program: 'debugfs', args: ['-w', '-R', command, devicePath] }, persistence)
    if (exitCode !== 0 || /error|not/i.test(err.replace(/^debugfs .*\n/, ''))) throw new Error(`debugfs, ${command}: ${err}`)
  }
}
