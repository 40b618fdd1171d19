import type { BlockDevice } from '../block/device.ts'
import { extentsDevice } from '../block/extents.ts'
import { directoryOf, FatClusters, type WritableVolume } from './fat-clusters.ts'
import { fatEntryBytes } from './fat-names.ts'
import { openFat } from './fat-tree.ts'
import { directoryEntries } from './making/fat-names.ts'
import { type Parsed, parsed, unusable } from './problem.ts'
import { childNamed, findNode } from './tree.ts'

export interface NewFatFile {
  /** Its folder, which is there: "efi/boot". */
  folder: string
  /** In small letters, eight and three at most: "grub.cfg". */
  name: string
  bytes: Uint8Array
  /** Since 1970. */
  modifiedSeconds: number
}

const archive = 0x20
const deleted = 0xe5
/** Windows NT: both parts of the short name are in small letters. */
const smallLetters = { offset: 12, bits: 0x18 }
const shortName = /^([a-z0-9_-]{1,8})\.([a-z0-9_-]{1,3})$/

/**
 * Makes a file in a folder of a FAT volume. `settle` is called where everything written so far has to be safe before the rest: first content and chain, of which
 * nobody knows yet, then the entry, which lies in one sector. Problems: `fat-full`, `fat-no-folder`, `fat-folder-full`, `fat-exists`, and whatever makes the volume
 * unsafe to write to.
 */
export function createFatFile(
  volume: BlockDevice,
  { folder: path, name, bytes, modifiedSeconds }: NewFatFile,
  settle: () => void,
): Parsed<{ sizeBytes: number }> {
  const { value: tree, problem } = openFat(volume)
  if (!tree) return { value: null, problem }
  if (!volume.writeSync) throw new TypeError('the volume was opened for reading only')
  if (!tree.volume.mirrored)
    return unusable('fat-not-mirrored', 'only one copy of its table is in use, which is not written to here')
  const [, base = '', ending = ''] = shortName.exec(name) ?? []
  if (base === '') throw new TypeError(`"${name}" needs a long name`)
  const folder = findNode(tree, path)
  if (folder?.kind !== 'directory') return unusable('fat-no-folder', `there is no folder ${path}`)
  if (childNamed(tree, folder, name)) return unusable('fat-exists', `there is a ${path}/${name} already`)
  const { value: directory, problem: broken } = directoryOf(volume, tree, folder)
  if (!directory) return { value: null, problem: broken }
  const place = freePlace(directory)
  if (place === null) return unusable('fat-folder-full', `the folder ${path} has no room for another name`)

  const clusters = new FatClusters(volume as WritableVolume, tree)
  const { value: taken, problem: full } = clusters.take(Math.ceil(bytes.length / tree.volume.clusterBytes), 1)
  if (!taken) return { value: null, problem: full }
  extentsDevice(volume, clusters.extentsOf(taken)).writeSync?.(bytes, 0)
  clusters.chain(taken)
  clusters.count(taken)
  settle()
  const short = base.toUpperCase().padEnd(8) + ending.toUpperCase().padEnd(3)
  const facts = { attributes: archive, cluster: taken[0] ?? 0, sizeBytes: bytes.length, modifiedSeconds }
  const [entry = new Uint8Array()] = directoryEntries(name, short, false, facts)
  entry[smallLetters.offset] = smallLetters.bits
  directory.writeSync?.(entry, place)
  settle()
  return parsed({ sizeBytes: bytes.length })
}

/** Of the first entry that stands for nothing. Behind the mark of the end there are only more of it. */
function freePlace(directory: BlockDevice): number | null {
  const bytes = new Uint8Array(directory.size)
  directory.readSync(bytes, 0)
  for (let at = 0; at + fatEntryBytes <= bytes.length; at += fatEntryBytes) {
    if (bytes[at] === deleted || bytes[at] === 0) return at
  }
  return null
}
