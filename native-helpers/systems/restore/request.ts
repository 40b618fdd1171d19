import { LivecardError } from '../../errors.ts'
import type { ChangeContext } from '../change.ts'

export interface RestoreRequest {
  /** The archive on this computer. */
  file: string
  /** Paths in the archive, or in the part of the card that they go to; empty: everything. */
  only: string[]
  /** Which part of the card, where the archive does not say it or has several. */
  what: string | null
  withKernel: boolean
}

/** From the options of a change: `file`; `only`, a path a line; `what`; `kernel` = "yes". Throws `only-impossible` for what is no path. */
export function restoreRequest({ options }: ChangeContext): RestoreRequest {
  const only = (options.only ?? '').split('\n').flatMap((line) => {
    const parts = line.split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) throw onlyImpossible(line, 'it leads out of the folder above it')
    return parts.length > 0 ? [parts.join('/')] : []
  })
  if (!options.file) throw new TypeError('an archive is named')
  return { file: options.file, only: [...new Set(only)], what: options.what ?? null, withKernel: options.kernel === 'yes' }
}

export function onlyImpossible(path: string, why: string): LivecardError {
  return new LivecardError('usage', 'only-impossible', {
    message: `"${path}" cannot be restored by itself: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Name files and folders as they stand in the archive: "tar tf" lists them.',
  })
}
