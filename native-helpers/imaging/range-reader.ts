/** A file or download whose parts can be read in any order. */
export interface RangeReader {
  readonly sizeBytes: number
  /** Exactly `length` bytes, or it rejects. */
  read(offset: number, length: number): Promise<Uint8Array>
}
