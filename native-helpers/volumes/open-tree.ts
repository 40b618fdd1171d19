import type { BlockDevice } from '../block/device.ts'
import { openErofs } from './erofs.ts'
import { openExt } from './ext-tree.ts'
import { openFat } from './fat-tree.ts'
import { openIso9660 } from './iso9660.ts'
import { type Parsed, parsed, unusable } from './problem.ts'
import { openSquashfsTree } from './squashfs/tree.ts'
import type { VolumeTree } from './tree.ts'

/** Inspecting looks at names and small files; a decoder's blocks need not stay for long. */
const squashfsCaches = { contentCacheBytes: 8 * 1024 * 1024, metadataCacheBytes: 4 * 1024 * 1024 }

/** The tree of files in a volume, by what `identify` calls it; a problem for kinds whose files are not read here. */
export async function openTree(device: BlockDevice, type: string): Promise<Parsed<VolumeTree>> {
  switch (type) {
    case 'vfat':
      return openFat(device)
    case 'ext2':
    case 'ext3':
    case 'ext4': {
      const { value, problem } = openExt(device)
      return value ? parsed(value.tree) : { value: null, problem }
    }
    case 'iso9660':
      return openIso9660(device)
    case 'squashfs':
    case 'squashfs3':
      return openSquashfsTree(device, squashfsCaches)
    case 'erofs':
      return openErofs(device)
    default:
      return unusable('tree-unknown', `files in a volume of the kind ${type} are not read here`)
  }
}
