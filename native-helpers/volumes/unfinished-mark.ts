/** The line that a card begins with while Livecard writes it: words, no boot signature, no filesystem's magic number. */
export const unfinishedLine = 'Livecard: this card was being written and is not finished.'

/** Whether a card begins with that line: it was being written, and that never came to its end. */
export function isUnfinished(start: Uint8Array): boolean {
  const line = Buffer.from(unfinishedLine, 'ascii')
  return start.length >= line.length && line.equals(start.subarray(0, line.length))
}
