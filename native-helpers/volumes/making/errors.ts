import { LivecardError } from '../../errors.ts'

/** What was asked for cannot be made: it does not fit, or the format has no such thing. Nothing of it is usable then. */
export function cannotMake(code: string, message: string): LivecardError {
  return new LivecardError('refused', code, {
    message,
    meaning: 'What was being made is not usable. Nothing else was changed.',
    next: 'Ask for something that fits, or for more room.',
  })
}
