import type { BlockDevice } from '../../block/device.ts'
import { paddedDevice } from '../../block/padded.ts'
import type { StagedDevice } from '../../block/staged.ts'
import { LivecardError } from '../../errors.ts'
import { ExtUnpacker } from '../../volumes/ext-unpack.ts'
import { ExtFiles, rootInode } from '../../wasm/ext-files.ts'
import { checkVolume, makeVolume, performSync } from '../../wasm/ext-programs.ts'
import type { VolumeFacts } from '../../wasm/ext-types.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import type { ChangeDraft } from '../change.ts'
import { cannotConvert } from './convert-errors.ts'
import { upperName, workName } from './overlay-folders.ts'

const nothing: BlockDevice = { size: 0, sectorSize: 512, readSync: () => {} }

/** As livecd-iso-to-disk labels them. */
const label = 'OVERLAY'

/**
 * An empty filesystem for changes, on a view of zeros: without what kernels of the first systems with overlayfs do not know, and without anything that would be left to
 * the running system, as zeros in the tables are no zeros in a place that was used before. `seed`: 16 bytes in hexadecimal digits, from which its names are made.
 */
export function emptyUpperImage(draft: ChangeDraft, sizeBytes: number, seed: string, seconds: number): StagedDevice {
  const stage = draft.stage(paddedDevice(nothing, sizeBytes))
  const uuid = seed.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
  performSync(
    makeVolume({
      ...{ type: 'ext4', label, uuid, blockBytes: 4096, inodeBytes: 256, reservedPercent: 0, seconds },
      features: ['^metadata_csum_seed', '^orphan_file'],
      extended: [`hash_seed=${uuid}`, 'root_owner=0:0', 'nodiscard', 'lazy_itable_init=0', 'lazy_journal_init=0'],
    }),
    stage,
  )
  return stage
}

export function factsOf(image: BlockDevice): VolumeFacts {
  const files = new ExtFiles(image)
  try {
    return files.facts()
  } finally {
    files.close()
  }
}

/** Puts the changes and the two folders of overlayfs into an empty image, and has it checked. Throws `ext-full` where they do not fit. */
export function fillUpperImage(image: StagedDevice, members: Iterable<ArchiveMember>, seconds: number): void {
  const writer = new ExtWriter(image, { seconds })
  const work = writer.makeFolder(rootInode, workName)
  writer.setAttributes(work, { permissions: 0o755, uid: 0, gid: 0 })
  const unpacker = new ExtUnpacker(writer, writer.makeFolder(rootInode, upperName), { distinct: true })
  for (const member of members) unpacker.add(member)
  unpacker.finish()
  writer.close()
  const { state, text } = performSync(checkVolume({ mode: 'look', seconds }), image)
  if (state !== 'clean') throw cannotConvert(`the new form would be damaged (${text.trim().split('\n').at(-1) ?? ''})`)
}

export function isFull(thrown: unknown): boolean {
  return thrown instanceof LivecardError && thrown.code === 'ext-full'
}
