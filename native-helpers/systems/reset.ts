import { LivecardError } from '../errors.ts'
import type { ChangeContext } from './change.ts'

/**
 * What a reset is asked to carry over: paths from the root of the system, without a slash before or behind, none of them within another; one a line in the
 * option `keep`. Throws `keep-impossible` for what is no such path.
 */
export function keptPaths({ options }: ChangeContext): string[] {
  const paths = (options.keep ?? '').split('\n').flatMap((line) => {
    const parts = line.split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) throw cannotKeep(line, 'it leads out of the folder above it')
    if (line !== '' && parts.length === 0) throw cannotKeep(line, 'that is everything; nothing would be reset')
    return parts.length > 0 ? [parts.join('/')] : []
  })
  const distinct = [...new Set(paths)]
  return distinct.filter((path) => !distinct.some((other) => path.startsWith(`${other}/`)))
}

export function cannotKeep(path: string, why: string): LivecardError {
  return new LivecardError('failed', 'keep-impossible', {
    message: `"${path}" cannot be kept: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Name a file or folder of the system as it runs, such as home or etc/ssh.',
  })
}
