import type { BlockDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { ExtModule } from './ext-module.ts'
import { readAttributes, readEntries, readFacts, readRuns, readXattrs } from './ext-records.ts'
import { type Attributes, type Entry, inodeFlags, type Run, type VolumeFacts } from './ext-types.ts'
import { decodeName, encodeName } from './names.ts'

export const rootInode = 2

const linksAtMost = 40
const partBytes = 1024 * 1024

/** A part of a file's content; between parts there are holes. */
export interface ContentPart {
  offset: number
  /** Valid until the next part. */
  bytes: Uint8Array
}

/**
 * The files of an ext2, ext3 or ext4 volume, by libext2fs and without a kernel. Synchronous, for a thread that has the device. Files are named by their inode; `find` leads there from a path.
 * Nothing here writes: see ExtWriter.
 */
export class ExtFiles {
  protected readonly module: ExtModule
  protected readonly device: BlockDevice
  #facts: VolumeFacts | null = null

  /** Throws where there is no such volume on the device. `writing` and `seconds` are for ExtWriter. */
  constructor(device: BlockDevice, writing = false, seconds?: number) {
    this.device = device
    this.module = new ExtModule(device, seconds)
    this.module.do('ext_open', this.module.putText(this.module.devicePath), writing ? 1 : 0)
  }

  /** As they were at the opening. */
  facts(): VolumeFacts {
    this.#facts ??= readFacts(this.module.call('ext_facts'))
    return this.#facts
  }

  /** The inode of a path from the root; links within it are followed, the last one only if asked. Throws `ext-not-found`. */
  find(path: string, { followLast = true } = {}): number {
    const inode = this.#walk(rootInode, path, followLast, { left: linksAtMost })
    if (inode === null) throw notFound(path)
    return inode
  }

  #walk(from: number, path: string, followLast: boolean, links: { left: number }): number | null {
    let at = path.startsWith('/') ? rootInode : from
    const steps = path.split('/').filter((step) => step !== '')
    for (const [index, step] of steps.entries()) {
      const next = this.lookup(at, step)
      if (next === null) return null
      const isLast = index === steps.length - 1
      if ((isLast && !followLast) || this.attributes(next).kind !== 'link') {
        at = next
        continue
      }
      if (links.left === 0) return null
      links.left -= 1
      const target = this.#walk(at, this.linkTarget(next), true, links)
      if (target === null) return null
      at = target
    }
    return at
  }

  /** Null where there is no such name; throws where `folder` is none. */
  lookup(folder: number, name: string): number | null {
    const bytes = encodeName(name)
    const [pointer = 0] = this.module.put(bytes)
    try {
      return this.module.call('ext_lookup', folder, pointer, bytes.length).getUint32(0, true)
    } catch (thrown) {
      if (thrown instanceof LivecardError && thrown.code === 'ext-not-found') return null
      throw thrown
    }
  }

  /** Without "." and "..", in the order of the volume. */
  list(folder: number): Entry[] {
    return readEntries(this.module.call('ext_list', folder))
  }

  attributes(inode: number): Attributes {
    return readAttributes(this.module.call('ext_attributes', inode))
  }

  linkTarget(inode: number): string {
    const { buffer, byteOffset, byteLength } = this.module.call('ext_link_target', inode)
    return decodeName(new Uint8Array(buffer, byteOffset, byteLength))
  }

  /** In the form of getxattr(2), access control lists too. */
  xattrs(inode: number): Map<string, Uint8Array> {
    return readXattrs(this.module.call('ext_xattrs', inode))
  }

  /** Any bytes of a file, holes as zeros; less than asked only at its end. */
  read(inode: number, offset: number, into: Uint8Array): number {
    let done = 0
    while (done < into.length) {
      const wanted = Math.min(partBytes, into.length - done)
      const pointer = this.module.scratch(wanted)
      const got = this.module.call('ext_read', inode, BigInt(offset + done), pointer, wanted).getUint32(0, true)
      into.set(this.module.bytes(pointer, got), done)
      done += got
      if (got < wanted) break
    }
    return done
  }

  /** Where a file's bytes stand, up to its size; null where they stand in the inode itself. */
  runs(inode: number, { sizeBytes, flags } = this.attributes(inode)): Run[] | null {
    if (flags & inodeFlags.inlineData) return null
    const runs: Run[] = []
    let end = 0
    for (const run of readRuns(this.module.call('ext_runs', inode))) {
      // What fallocate keeps behind the end.
      if (run.offset >= sizeBytes) break
      const length = Math.min(run.length, sizeBytes - run.offset)
      if (run.offset < end || run.place + length > this.device.size) throw badMap(inode)
      runs.push({ ...run, length })
      end = run.offset + length
    }
    return runs
  }

  /** Everything of a file that is not a hole, in order, straight from the device. */
  *content(inode: number, attributes = this.attributes(inode)): Generator<ContentPart> {
    if (attributes.flags & inodeFlags.encrypted) throw encrypted()
    const runs = this.runs(inode, attributes)
    if (runs === null) {
      const bytes = new Uint8Array(attributes.sizeBytes)
      yield { offset: 0, bytes: bytes.subarray(0, this.read(inode, 0, bytes)) }
      return
    }
    const buffer = new Uint8Array(Math.min(partBytes, attributes.sizeBytes))
    for (const run of runs) {
      for (let done = 0; done < run.length; done += partBytes) {
        const bytes = buffer.subarray(0, Math.min(partBytes, run.length - done))
        this.device.readSync(bytes, run.place + done)
        yield { offset: run.offset + done, bytes }
      }
    }
  }

  close(): void {
    this.module.do('ext_close')
  }
}

function notFound(path: string): LivecardError {
  return new LivecardError('failed', 'ext-not-found', {
    message: `There is no ${path} on the volume.`,
    meaning: 'Nothing was changed.',
    next: 'Look at what is there, and give another path.',
  })
}

function badMap(inode: number): LivecardError {
  return new LivecardError('failed', 'ext-damaged', {
    message: `The map of file ${inode} leads outside the volume or over itself.`,
    meaning: 'The content of this file cannot be read.',
    next: 'Repair the volume first.',
  })
}

function encrypted(): LivecardError {
  return new LivecardError('failed', 'ext-encrypted', {
    message: 'The file is encrypted (fscrypt).',
    meaning: 'Its content cannot be read without the key, which is not on the volume.',
    next: 'Copy it on the system that has the key.',
  })
}
