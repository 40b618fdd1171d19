export const confPath = 'persistence.conf'
export const maxConfBytes = 64 * 1024

/** A mount that persistence.conf asks for (persistence.conf(5)). */
export interface PersistentMount {
  directory: string
  options: string[]
}

/**
 * One mount per line, "directory options"; blank lines and those that begin with # say nothing. live-boot reads it by the shell's `read`, for which the
 * carriage return of an editor on Windows is a letter of the last option.
 */
export function parsePersistenceConf(text: string): PersistentMount[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((line) => line.startsWith('/'))
    .map((line) => {
      const [directory = '', options = ''] = line.split(/[ \t]+/)
      return { directory, options: options.split(',').filter((option) => option !== '') }
    })
}

/** Whether the whole system is laid over, as this family has it. */
export function keepsEverything(mounts: readonly PersistentMount[]): boolean {
  return mounts.some(({ directory, options }) => directory === '/' && options.includes('union'))
}

/** The text with the mount that the whole system needs, everything else in it as it is. */
export function withEverythingKept(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^[ \t]*\/(?:\s|$)/.test(line))
  return [...lines, '/ union', ''].join('\n')
}
