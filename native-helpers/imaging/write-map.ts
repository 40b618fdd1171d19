export interface ByteRange {
  /** Byte offset in the image. */
  start: number
  /** Exclusive. */
  end: number
}

/** Which parts of an image must reach the card. Asked once per block of the stream, in order. */
export interface WriteMap {
  /** For reports: "bmap" or "allocation". */
  readonly kind: 'bmap' | 'allocation'
  /**
   * The needed ranges within this block: sorted, not overlapping, inside the block, aligned outward to 4096 bytes (the last one of the image
   * excepted). May look at the bytes only until it settles.
   */
  needed(offset: number, bytes: Uint8Array): ByteRange[] | Promise<ByteRange[]>
  /** After the last block: rejects when the map does not belong to this image. */
  finish(imageBytes: number): Promise<void>
}
