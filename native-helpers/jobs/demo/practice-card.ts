import type { SystemId } from '../../contract-report.ts'
import type { WritableDevice } from '../../volumes/making/new-entry.ts'

/**
 * A card to practise on: made by our own code on any operating system, a sparse file that is small on disk and behaves in every job like a real one.
 * What it is made with: the makers in volumes/making (tables, FAT, ISO 9660, squashfs) and make-ext.ts beside this file.
 */
export interface PracticeCard {
  /** Stable, and the name of its file without ".img": "liveos-nearly-full". */
  id: string
  system: SystemId
  /** What it stands for, in the user's words: "Fedora LiveOS stick, nearly full". */
  title: string
  /** What is wrong with it, in one sentence; null for one that is well. */
  ailment: string | null
  /** Ids of findings that inspecting it must tell, beside whatever else it tells. */
  findings: readonly string[]
  sizeBytes: number
  /** Needs the WebAssembly tools for ext volumes. */
  needsTools: boolean
  /** The device is as large as it says above, and reads as zeros. */
  make(card: WritableDevice): Promise<void>
}
