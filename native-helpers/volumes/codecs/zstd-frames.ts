/** RFC 8878, 3.1.1: the frames of a zstd file, walked by their headers. */

export type ZstdProblem = { code: 'damaged' | 'memory' | 'unsupported'; detail: string }

export class ZstdFormatError extends Error {
  readonly problem: ZstdProblem
  constructor(code: ZstdProblem['code'], detail: string) {
    super(detail)
    this.problem = { code, detail }
  }
}

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
/** The oldest formats (v0.1 to v0.7) have magics just below; nobody has made such files since 2016. */
const legacyMagics = [0xfd2fb51e, 0xfd2fb522, 0xfd2fb523, 0xfd2fb524, 0xfd2fb525, 0xfd2fb526, 0xfd2fb527]

/** As for `zstd -d` without `--long`: a window of 128 MiB. */
export const zstdWindowLogMax = 27

type Expect = 'magic' | 'descriptor' | 'header' | 'block' | 'skip-size'

/**
 * Follows a zstd file as its bytes pass by. Node's decoder does not say whether a frame was complete when its input ends, nor the length of the content; the
 * headers do. Cheap: it only looks at headers, 128 KiB of content apart.
 */
export class ZstdFrameWalker {
  frames = 0
  /** Sum of what the frame headers say; null when one does not. */
  contentBytes: number | null = 0
  /** The largest window so far. */
  windowBytes = 0
  private expect: Expect = 'magic'
  private needed = 4
  private readonly header = new Uint8Array(16)
  private headerLength = 0
  private skipBytes = 0
  private descriptor = 0
  private lastBlock = false

  /** True between frames. */
  get atBoundary(): boolean {
    return this.expect === 'magic' && this.headerLength === 0 && this.skipBytes === 0
  }

  /** How many of the next bytes carry nothing that the walker must see. */
  get skippable(): number {
    return this.skipBytes
  }

  /** The caller has left out `bytes`, at most `skippable`. */
  skipped(bytes: number): void {
    this.skipBytes -= bytes
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.skipBytes > 0) {
        const length = Math.min(this.skipBytes, bytes.length - at)
        this.skipBytes -= length
        at += length
        continue
      }
      const length = Math.min(this.needed - this.headerLength, bytes.length - at)
      this.header.set(bytes.subarray(at, at + length), this.headerLength)
      this.headerLength += length
      at += length
      if (this.headerLength === this.needed) this.step()
    }
  }

  private next(expect: Expect, needed: number): void {
    this.expect = expect
    this.needed = needed
    this.headerLength = 0
  }

  private step(): void {
    const view = new DataView(this.header.buffer)
    switch (this.expect) {
      case 'magic':
        this.readMagic(view.getUint32(0, true))
        break
      case 'skip-size':
        this.skipBytes = view.getUint32(0, true)
        this.next('magic', 4)
        break
      case 'descriptor': {
        this.descriptor = view.getUint8(0)
        if (this.descriptor & 0x08) throw new ZstdFormatError('damaged', 'a reserved bit is set in a frame header')
        const { window, dictionary, size } = this.fields()
        const length = window + dictionary + size
        if (length > 0) this.next('header', length)
        else this.startBlocks(null)
        break
      }
      case 'header':
        this.startBlocks(this.readHeader(view))
        break
      case 'block':
        this.readBlock(view)
        break
    }
  }

  private readMagic(magic: number): void {
    if (magic === frameMagic) this.next('descriptor', 1)
    else if ((magic & 0xfffffff0) >>> 0 === skippableMagic) this.next('skip-size', 4)
    else if (legacyMagics.includes(magic)) throw new ZstdFormatError('unsupported', 'it was made by a zstd from before 2016')
    else throw new ZstdFormatError('damaged', 'something that is not zstd data follows the image')
  }

  /** 3.1.1.1.1: lengths of the optional header fields. */
  private fields(): { window: number; dictionary: number; size: number } {
    const single = (this.descriptor & 0x20) !== 0
    const sizeFlag = this.descriptor >> 6
    return {
      window: single ? 0 : 1,
      dictionary: [0, 1, 2, 4][this.descriptor & 3] ?? 0,
      size: [single ? 1 : 0, 2, 4, 8][sizeFlag] ?? 0,
    }
  }

  private readHeader(view: DataView): number | null {
    const { window, dictionary, size } = this.fields()
    let at = 0
    if (window === 1) {
      const descriptor = view.getUint8(at++)
      const base = 2 ** (10 + (descriptor >> 3))
      this.noteWindow(base + (base / 8) * (descriptor & 7))
    }
    for (let index = 0; index < dictionary; index++) {
      if (view.getUint8(at + index) !== 0)
        throw new ZstdFormatError('unsupported', 'it needs a zstd dictionary that is not in the file')
    }
    at += dictionary
    if (size === 0) return null
    const content =
      size === 1
        ? view.getUint8(at)
        : size === 2
          ? view.getUint16(at, true) + 256
          : size === 4
            ? view.getUint32(at, true)
            : Number(view.getBigUint64(at, true))
    // Without a window descriptor the content is the window.
    if (window === 0) this.noteWindow(content)
    return content
  }

  private startBlocks(content: number | null): void {
    this.contentBytes = this.contentBytes === null || content === null ? null : this.contentBytes + content
    this.lastBlock = false
    this.next('block', 3)
  }

  /** 3.1.1.2: last flag, type, size; an RLE block stores one byte. After the last one, a checksum of four. */
  private readBlock(view: DataView): void {
    const value = view.getUint16(0, true) | (view.getUint8(2) << 16)
    const type = (value >> 1) & 3
    if (type === 3) throw new ZstdFormatError('damaged', 'a block has the reserved type')
    this.lastBlock = (value & 1) === 1
    this.skipBytes = type === 1 ? 1 : value >> 3
    if (!this.lastBlock) {
      this.next('block', 3)
      return
    }
    if (this.descriptor & 0x04) this.skipBytes += 4
    this.frames++
    this.next('magic', 4)
  }

  private noteWindow(windowBytes: number): void {
    if (windowBytes > 2 ** zstdWindowLogMax) {
      throw new ZstdFormatError(
        'memory',
        `its window is ${Math.round(windowBytes / 1024 / 1024)} MiB, and ${2 ** zstdWindowLogMax / 1024 / 1024} MiB is the limit`,
      )
    }
    this.windowBytes = Math.max(this.windowBytes, windowBytes)
  }
}
