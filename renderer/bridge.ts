import type { Channel } from '../native-helpers/contract.ts'

/** What the desktop's preload puts on the window as `livecard`: named verbs and nothing else. In a browser it is not there. */
export interface Bridge {
  channel: Pick<Channel, 'send' | 'onMessage' | 'onClose'>
  /** The system's own file dialog; null when the user leaves it. */
  pickImage(): Promise<string | null>
  /** The system's dialog for a new file: a suggested name or full path goes in; null when the user leaves it. */
  pickSavePlace(suggested: string): Promise<string | null>
  /** Where a file that was dropped on the window lies; null when it has no place on this machine. */
  pathOfDroppedFile(file: File): string | null
  /** The taskbar's progress, 0 … 1; null takes it away. */
  setProgress?(fraction: number | null): void
}

declare global {
  interface Window {
    readonly livecard?: Bridge
  }
}
