import type { BlockDevice } from '../../block/device.ts'
import { kernelFolder } from '../../systems/archive/manifest.ts'
import { type KernelBackup, plainNode } from '../../systems/backup.ts'
import { parsed } from '../../volumes/problem.ts'
import type { TreeNode } from '../../volumes/tree.ts'
import type { BackupItem } from './items.ts'

/** The kernel partition's image and the boot menus as members, with the folders that they are in. */
export function kernelItems({ files }: KernelBackup, madeAt: number): BackupItem[] {
  const modified = { seconds: Math.floor(madeAt / 1000), nanoseconds: 0 }
  const item = (path: string, node: TreeNode, kind: BackupItem['kind']): BackupItem => ({
    ...{ path, node, kind, linkId: null, sizeBytes: node.sizeBytes, contentBytes: node.sizeBytes },
    ...{ modified, changed: null, link: null, unchanged: null },
  })
  const folder = (path: string) => item(path, plainNode(path, 'directory', { mode: 0o755 }), 'folder')
  const items = new Map([[kernelFolder, folder(kernelFolder)]])
  for (const { path, device } of files) {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const above = path.slice(0, slash)
      if (!items.has(above)) items.set(above, folder(above))
    }
    items.set(path, item(path, fileNode(path, device), 'file'))
  }
  return [...items.values()]
}

function fileNode(path: string, device: BlockDevice): TreeNode {
  return plainNode(path, 'file', {
    ...{ mode: 0o644, sizeBytes: device.size, open: () => parsed(device) },
    extents: () => parsed([{ start: 0, lengthBytes: device.size }]),
  })
}
