import type { BlockDevice } from '../../block/device.ts'
import { LivecardError } from '../../errors.ts'
import { exchangeFatFile, type FileExchange } from '../../volumes/fat-exchange.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import { markUnclean } from '../unclean.ts'
import { cannotMerge } from './merge-errors.ts'

type Refused = (why: string) => LivecardError

/** Some of what is free on an ext volume is kept for root, and some goes into its own maps. */
const usableOfExt = 0.9
/** At the root of the stick for as long as both images are there. */
const newName = '.livecard-new-image'
const oldName = '.livecard-old-image'

/** Room for a new image on the stick beside the old one, and the stroke at which it takes its name. What is free need not be kept for the way back. */
export function exchangeOnStick(
  volume: CardVolume,
  path: string,
  draft: ChangeDraft,
  seconds: number,
  refused: Refused = cannotMerge,
): FileExchange {
  const { startBytes, device, identity } = volume
  draft.forgetFree(startBytes, device.size)
  const part = draft.part(startBytes, device.size)
  if (identity?.type.startsWith('ext')) return onExt(part, path, { startBytes, draft, seconds, refused })
  if (identity?.type !== 'vfat')
    throw refused(`the stick is ${identity?.type ?? 'of a kind that is not known'}, which is not written to here`)
  const { value, problem } = exchangeFatFile(part, path, () => draft.endGroupAsIs())
  if (!value) throw refused(problem.detail)
  return value
}

interface Place {
  startBytes: number
  draft: ChangeDraft
  seconds: number
  refused: Refused
}

function onExt(part: BlockDevice, path: string, { startBytes, draft, seconds, refused }: Place): FileExchange {
  if (!hasModules()) throw refused('this Livecard was built without the tools for ext volumes')
  markUnclean(draft, part, startBytes, seconds)
  const writer = opened(part, seconds, refused)
  // What a merge has left that was cut off.
  for (const name of [newName, oldName]) if (writer.lookup(rootInode, name) !== null) writer.remove(rootInode, name)
  const { freeBlocks, blockBytes } = writer.facts()
  const size = Math.floor(freeBlocks * usableOfExt) * blockBytes
  const inode = writer.makeFile(rootInode, newName, { kind: 'file' })
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  return {
    room: {
      size,
      sectorSize: part.sectorSize,
      readSync: (into, offset) => void writer.read(inode, offset, into),
      writeSync: (bytes, offset) => writer.write(inode, offset, bytes),
      flushSync: () => writer.flush(),
    },
    take(sizeBytes) {
      const folder = writer.find(parts.join('/'))
      const old = writer.find(path)
      const { permissions, uid, gid } = writer.attributes(old)
      writer.setSize(inode, sizeBytes)
      for (const [key, value] of writer.xattrs(old)) writer.setXattr(inode, key, value)
      writer.setAttributes(inode, { permissions, uid, gid })
      writer.hardLink(rootInode, oldName, old)
      writer.flush()
      draft.endGroupAsIs()
      writer.remove(folder, name)
      writer.hardLink(folder, name, inode)
      writer.flush()
      draft.endGroupAsIs()
      writer.remove(rootInode, newName)
      writer.close()
      draft.endGroupAsIs()
    },
    release() {
      markUnclean(draft, part, startBytes, seconds)
      const again = opened(part, seconds, refused)
      again.remove(rootInode, oldName)
      again.close()
      draft.endGroup()
    },
  }
}

function opened(part: BlockDevice, seconds: number, refused: Refused): ExtWriter {
  try {
    return new ExtWriter(part, { seconds })
  } catch (thrown) {
    if (thrown instanceof LivecardError && (thrown.code === 'ext-needs-recovery' || thrown.code === 'ext-unclean'))
      throw refused('the stick itself was not left cleanly; repair it first')
    throw thrown
  }
}
