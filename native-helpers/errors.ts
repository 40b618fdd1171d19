import type { ErrorValue } from './contract.ts'

/** Process exit codes, by what an error means for the caller of the command line. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  refused: 3,
  data: 4,
  privilege: 5,
  differs: 6,
  cancelled: 130,
} as const

export type ErrorKind = keyof typeof exitCodes

export interface ErrorText {
  /** What happened, one sentence. */
  message: string
  /** What that means for the user's data. */
  meaning: string
  /** What to do now. */
  next: string
}

/**
 * The one error of this house: a stable code, what happened, what it means for the data, what to do next.
 * `kind` decides the exit code; `code` is for scripts and never changes its meaning.
 */
export class LivecardError extends Error {
  override readonly name = 'LivecardError'
  readonly code: string
  readonly kind: ErrorKind
  readonly meaning: string
  readonly next: string

  constructor(kind: ErrorKind, code: string, text: ErrorText, cause?: unknown) {
    super(text.message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.code = code
    this.meaning = text.meaning
    this.next = text.next
  }

  toValue(): ErrorValue {
    return { kind: this.kind, code: this.code, message: this.message, meaning: this.meaning, next: this.next }
  }
}

export function fromValue(value: ErrorValue): LivecardError {
  return new LivecardError(value.kind, value.code, value)
}

/** Every throwable as a value; one that nobody named is reported as a fault of the program, with its text. */
export function toErrorValue(thrown: unknown): ErrorValue {
  if (thrown instanceof LivecardError) return thrown.toValue()
  if (thrown instanceof Error && thrown.name === 'AbortError') return cancelled().toValue()
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return {
    kind: 'failed',
    code: 'unexpected',
    message: `Something failed that Livecard has no name for: ${text}`,
    meaning: 'The step that was running did not finish. Nothing else was touched.',
    next: 'Try once more; if it happens again, report it with this text.',
  }
}

export function cancelled(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: 'What had been written so far is not a usable system.',
    next: 'Write the card again before you use it.',
  })
}

/** The `code` of a system error such as ENOENT, or null. */
export function systemCode(thrown: unknown): string | null {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') return thrown.code
  return null
}
