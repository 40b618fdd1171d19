import type { BlockDevice } from '../block/device.ts'
import { type ContentPart, ExtFiles } from './ext-files.ts'
import { attributeBytes, writeAttributes } from './ext-records.ts'
import { type Attributes, type FileKind, modeOfKind, type NewAttributes } from './ext-types.ts'
import { encodeName } from './names.ts'

const partBytes = 1024 * 1024

export interface NewFile {
  kind: Exclude<FileKind, 'folder' | 'link' | 'unknown'>
  /** Of devices. */
  major?: number
  minor?: number
}

/**
 * Changes the files of a volume that is not mounted. While it is open the volume says that it was not left cleanly; `close` takes that back, after everything is on the device.
 * Not safe against a loss of power by itself: give it a device that is staged or journalled.
 */
export class ExtWriter extends ExtFiles {
  /** `seconds`, since 1970, is the time that the volume notes; the clock's without. Throws `ext-needs-recovery` or `ext-unclean` where a repair has to come first. */
  constructor(device: BlockDevice, { seconds }: { seconds?: number } = {}) {
    super(device, true, seconds)
  }

  makeFolder(parent: number, name: string): number {
    const [pointer = 0] = this.module.put(encodeName(name))
    return this.module.call('ext_make_folder', parent, pointer).getUint32(0, true)
  }

  makeFile(parent: number, name: string, { kind, major = 0, minor = 0 }: NewFile): number {
    const [pointer = 0] = this.module.put(encodeName(name))
    return this.module.call('ext_make_file', parent, pointer, modeOfKind(kind) | 0o600, major, minor).getUint32(0, true)
  }

  makeLink(parent: number, name: string, target: string): number {
    const [namePointer = 0, targetPointer = 0] = this.module.put(encodeName(name), encodeName(target))
    return this.module.call('ext_make_link', parent, namePointer, targetPointer).getUint32(0, true)
  }

  /** Another name for `inode`. */
  hardLink(parent: number, name: string, inode: number): void {
    const [pointer = 0] = this.module.put(encodeName(name))
    this.module.do('ext_hard_link', parent, pointer, inode)
  }

  /** A folder must be empty. */
  remove(parent: number, name: string): void {
    const [pointer = 0] = this.module.put(encodeName(name))
    this.module.do('ext_remove', parent, pointer)
  }

  /** With everything below it. A volume's folders cannot lead back into themselves without being damaged, so each is entered once. */
  removeTree(parent: number, name: string, entered = new Set<number>()): void {
    const inode = this.lookup(parent, name)
    if (inode !== null && this.attributes(inode).kind === 'folder' && !entered.has(inode)) {
      entered.add(inode)
      for (const entry of this.list(inode)) this.removeTree(inode, entry.name, entered)
    }
    this.remove(parent, name)
  }

  /** What lies between the end of the file and `offset` becomes a hole. */
  write(inode: number, offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += partBytes) {
      const part = bytes.subarray(done, done + partBytes)
      const pointer = this.module.scratch(part.length)
      this.module.bytes(pointer, part.length).set(part)
      this.module.do('ext_write', inode, BigInt(offset + done), pointer, part.length)
    }
  }

  /** Shorter, or longer by a hole. */
  setSize(inode: number, sizeBytes: number): void {
    this.module.do('ext_set_size', inode, BigInt(sizeBytes))
  }

  setAttributes(inode: number, wanted: NewAttributes): void {
    const attributes: Attributes = { ...this.attributes(inode), ...wanted }
    const pointer = this.module.scratch(attributeBytes)
    writeAttributes(this.module.bytes(pointer, attributeBytes), attributes)
    this.module.do('ext_set_attributes', inode, pointer)
  }

  /** In the form of setxattr(2); null takes it away. */
  setXattr(inode: number, name: string, value: Uint8Array | null): void {
    const [namePointer = 0, valuePointer = 0] = this.module.put(encodeName(name), value ?? new Uint8Array(0))
    this.module.do('ext_set_xattr', inode, namePointer, value === null ? 0 : valuePointer, value?.length ?? 0)
  }

  /** The library holds back what was written; the content is read from the device. */
  override *content(inode: number, attributes?: Attributes): Generator<ContentPart> {
    this.flush()
    yield* super.content(inode, attributes)
  }

  /** Everything so far is on the device. */
  flush(): void {
    this.module.do('ext_flush')
  }
}
