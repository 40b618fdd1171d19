import { entryTree, isFile, isLink, modeOf, type NewNode } from '../../volumes/making/entry-tree.ts'
import { contentLength, contentParts, isZeros, type NewEntry, type WritableDevice } from '../../volumes/making/new-entry.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { devicePath, runProgramSync } from '../../wasm/program.ts'

export interface NewExt {
  label?: string
  /** Random without. */
  uuid?: string
  entries?: readonly NewEntry[]
  /** Further words for mke2fs. */
  options?: readonly string[]
  /** For what entries do not cover: devices, xattrs, hard links. */
  more?(writer: ExtWriter): void
}

const partBytes = 1024 * 1024
/** Blocks of 4 KiB also where the volume is small, as real cards have them. */
const usual = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-E', 'lazy_itable_init=1,nodiscard']

/** Formats a device as ext4 with mke2fs and puts the entries into it, zeros as holes. Needs the WebAssembly tools. */
export function makeExt(device: WritableDevice, { label, uuid, entries = [], options = [], more }: NewExt = {}): void {
  const words = [...usual, ...(label ? ['-L', label] : []), ...(uuid ? ['-U', uuid] : []), ...options, devicePath]
  const { exitCode, out, err } = runProgramSync({ program: 'mke2fs', args: words }, device)
  if (exitCode !== 0) throw new Error(`mke2fs ended with ${exitCode}: ${out}${err}`)
  if (entries.length === 0 && !more) return
  const writer = new ExtWriter(device)
  try {
    for (const child of entryTree(entries).children) put(writer, rootInode, child)
    more?.(writer)
  } finally {
    writer.close()
  }
}

function put(writer: ExtWriter, parent: number, { name, entry, children }: NewNode): void {
  const inode = isLink(entry)
    ? writer.makeLink(parent, name, entry.target)
    : entry.kind === 'folder'
      ? (writer.lookup(parent, name) ?? writer.makeFolder(parent, name))
      : writer.makeFile(parent, name, { kind: 'file' })
  if (isFile(entry)) {
    for (const { offset, bytes } of contentParts(entry, partBytes)) if (!isZeros(bytes)) writer.write(inode, offset, bytes)
    writer.setSize(inode, contentLength(entry))
  }
  for (const child of children) put(writer, inode, child)
  const time = entry.modifiedSeconds === undefined ? {} : { modified: { seconds: entry.modifiedSeconds, nanoseconds: 0 } }
  writer.setAttributes(inode, { permissions: modeOf(entry), uid: entry.ownerId ?? 0, gid: entry.groupId ?? 0, ...time })
}
