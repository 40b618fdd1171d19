/**
 * The only door to bytes. Synchronous, for use inside worker threads; formats take one of these, never a path.
 * A device opened for inspection has no `writeSync`.
 */
export interface BlockDevice {
  readonly size: number
  readonly sectorSize: number
  /** Fills `into` from byte `offset`; throws when the range leaves the device or cannot be read whole. */
  readSync(into: Uint8Array, offset: number): void
  writeSync?(bytes: Uint8Array, offset: number): void
  flushSync?(): void
}

/**
 * The same bytes for streaming: several requests in flight. `bytes` must come from `alignedBuffer` or a page-aligned slot,
 * and offset and length be multiples of `sectorSize`, when the device was opened with O_DIRECT.
 */
export interface StreamDevice {
  readonly label: string
  readonly sizeBytes: number
  readonly sectorSize: number
  /** True when every transfer must be aligned to `sectorSize`. */
  readonly direct: boolean
  /** Where there is one descriptor behind it: worker threads may use it as long as the device is open. */
  readonly fd?: number
  /**
   * Lends that descriptor to threads: it stays open until `use` has settled, and a `RequestFailure` that it throws is named like any failure of this device
   * while `doing`.
   */
  lend?<T>(doing: 'reading' | 'writing', use: (fd: number) => Promise<T>): Promise<T>
  write(bytes: Uint8Array, offset: number): Promise<void>
  /** Fills `into`; throws when the range cannot be read whole. */
  read(into: Uint8Array, offset: number): Promise<void>
  /** Returns after everything written is on the medium. */
  flush(): Promise<void>
  close(): Promise<void>
}
