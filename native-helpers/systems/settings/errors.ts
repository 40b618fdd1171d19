import { LivecardError } from '../../errors.ts'

/** Why settings are not written: code `settings-…`. */
export function cannotSet(
  code: string,
  message: string,
  next = 'Leave this setting out, or set it on the running system.',
): LivecardError {
  return new LivecardError('failed', `settings-${code}`, { message, meaning: 'Nothing was changed.', next })
}
