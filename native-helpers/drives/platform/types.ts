import type { DriveFacts } from '../facts.ts'

export type OpenMode = 'read' | 'write'

/** What a name turned out to be. */
export type Located =
  | { is: 'drive'; facts: DriveFacts }
  /** A volume of `whole`. */
  | { is: 'partition'; whole: DriveFacts }
  | { is: 'absent' }
  | { is: 'other'; what: string }

/** What is read again from the drive behind an open descriptor. */
export interface OpenedFacts {
  deviceNumber: string | null
  attachment: string | null
  serial: string | null
  sizeBytes: number
}

export interface OpenedDrive {
  fd: number
  /** True when the descriptor demands aligned transfers. */
  direct: boolean
  /** What the drive behind the descriptor says of itself now. */
  facts: OpenedFacts
}

/** What one operating system does in its own way. One file each; nothing above knows which one runs. */
export interface Platform {
  gather(): Promise<DriveFacts[]>
  locate(path: string): Promise<Located>
  /** Unmounts every volume of the drive, or throws `drive-mounted`. */
  unmountAll(facts: DriveFacts): Promise<void>
  /** Exclusive when writing. Throws `drive-busy`, `drive-gone`, or one of the errors of kind 'privilege'. */
  open(facts: DriveFacts, mode: OpenMode): Promise<OpenedDrive>
  /** Lets the system see the new partitions; best effort, bounded, never throws. */
  reread(facts: DriveFacts): Promise<void>
  /**
   * Calls `onHint` whenever drives may have changed; false alarms are fine, a missed change is not. Returns what ends it.
   */
  hints(onHint: () => void): () => void
}
