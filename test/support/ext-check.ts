import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { tool } from './tools.ts'

/** Everything that has a name in an ext volume, by its sum where it is a file and by its kind else; what a check found without one is left out. */
export function namesIn(device: BlockDevice): Map<string, string> {
  const { value, problem } = openExt(device)
  assert.ok(value, problem?.detail)
  const names = new Map<string, string>()
  const problems = walkTree(value.tree, (path, node) => {
    if (path.startsWith('lost+found/')) return
    const content = node.kind === 'file' ? (node.open().value ?? assert.fail(path)) : null
    const bytes = new Uint8Array(content?.size ?? 0)
    content?.readSync(bytes, 0)
    names.set(path, content ? createHash('sha256').update(bytes).digest('hex') : node.kind)
  })
  assert.deepEqual(problems, [])
  return names
}

/** e2fsck that answers every question with yes; 1 means that something was corrected (e2fsck(8)), and all else fails. */
export function fullCheck(path: string): void {
  try {
    tool('e2fsck', ['-f', '-y', path])
  } catch (thrown) {
    assert.equal((thrown as { status: number }).status, 1, String(thrown))
  }
}
