import assert from 'node:assert/strict'
import type { ExtTime } from '../../native-helpers/volumes/ext-inode.ts'
import { ExtNode } from '../../native-helpers/volumes/ext-tree.ts'
import { type NodeKind, type TreeNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import type { FileKind } from '../../native-helpers/wasm/ext-types.ts'
import type { FileFacts } from './ext-tree-facts.ts'
import { digest } from './tree-facts.ts'

const kinds: Record<NodeKind, FileKind> = {
  file: 'file',
  directory: 'folder',
  symlink: 'link',
  'character-device': 'char',
  'block-device': 'block',
  fifo: 'fifo',
  socket: 'socket',
}

/** Everything in an ext volume as our reader sees it, in the form of `kernelFacts`. */
export function nodeFacts(tree: VolumeTree): Map<string, FileFacts> {
  const facts = new Map([['.', factsOf(tree.root)]])
  const problems = walkTree(tree, (path, node) => facts.set(`./${path}`, factsOf(node)))
  assert.deepEqual(problems, [])
  return facts
}

function factsOf(node: TreeNode): FileFacts {
  assert.ok(node instanceof ExtNode)
  const { value: inode, problem } = node.inode()
  assert.ok(inode, problem?.detail)
  assert.equal(node.modifiedSeconds, inode.modified.seconds)
  const time = ({ seconds, nanoseconds }: ExtTime) => `${seconds} ${nanoseconds}`
  const { value: xattrs, problem: noXattrs } = node.xattrs()
  assert.ok(xattrs, noXattrs?.detail)
  return {
    kind: kinds[node.kind],
    permissions: (node.mode ?? 0).toString(8),
    owner: `${node.ownerId}:${node.groupId}`,
    links: node.links,
    sizeBytes: node.kind === 'file' ? node.sizeBytes : node.kind === 'symlink' ? Buffer.byteLength(node.target ?? '') : 0,
    allocatedBytes: inode.allocatedBytes,
    device: node.rdev ? `${node.rdev.major}:${node.rdev.minor}` : '',
    modified: time(inode.modified),
    accessed: time(inode.accessed),
    content: contentOf(node),
    xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')])),
  }
}

function contentOf(node: TreeNode): string {
  if (node.kind === 'symlink') return node.target ?? assert.fail(`${node.name} leads nowhere`)
  if (node.kind !== 'file') return ''
  const { value: device, problem } = node.open()
  assert.ok(device, problem?.detail)
  assert.equal(device.size, node.sizeBytes)
  return digest(device)
}
