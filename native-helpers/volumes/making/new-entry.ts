import type { BlockDevice } from '../../block/device.ts'

/** A device that is made into something. */
export type WritableDevice = BlockDevice &
  Required<Pick<BlockDevice, 'writeSync' | 'flushSync'>> & {
    /** How large one may become that grows as it is written; others have the size that they have. */
    readonly limitBytes?: number
  }

/** Something that a new filesystem holds. Folders on the way to it are made where none is named. */
export type NewEntry = NewFolder | NewFile | NewLink

interface Common {
  /** From the root, without a slash at its beginning or end: "live/vmlinuz". */
  path: string
  /** The twelve bits of rights; 755 for folders and 644 for files without. */
  mode?: number
  ownerId?: number
  groupId?: number
  /** Since 1970; the time of the making without. */
  modifiedSeconds?: number
}

export interface NewFolder extends Common {
  kind: 'folder'
}

export interface NewFile extends Common {
  kind: 'file'
  /** A device where it is large: an image inside an image, of which only what is not zero takes room. */
  content: Uint8Array | BlockDevice
}

export interface NewLink extends Common {
  kind: 'link'
  target: string
}

export function contentLength({ content }: NewFile): number {
  return content instanceof Uint8Array ? content.length : content.size
}

/** The content in parts of at most so many bytes, each with its place. The bytes are only lent until the next part. */
export function* contentParts({ content }: NewFile, partBytes: number): Generator<{ offset: number; bytes: Uint8Array }> {
  const size = content instanceof Uint8Array ? content.length : content.size
  for (let offset = 0; offset < size; offset += partBytes) {
    const length = Math.min(partBytes, size - offset)
    if (content instanceof Uint8Array) yield { offset, bytes: content.subarray(offset, offset + length) }
    else {
      const bytes = new Uint8Array(length)
      content.readSync(bytes, offset)
      yield { offset, bytes }
    }
  }
}

const zeros = Buffer.alloc(64 * 1024)

export function isZeros(bytes: Uint8Array): boolean {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < whole.length; at += zeros.length) {
    const part = whole.subarray(at, at + zeros.length)
    if (!part.equals(zeros.subarray(0, part.length))) return false
  }
  return true
}
