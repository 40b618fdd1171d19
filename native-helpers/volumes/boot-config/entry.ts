/** What a boot menu of any kind offers. */
export interface BootEntry {
  title: string
  /** As the configuration writes it; null where it starts no kernel itself. */
  kernel: string | null
  initrds: string[]
  arguments: KernelArgument[]
}

export interface KernelArgument {
  name: string
  /** Null for one without "=". */
  value: string | null
}

/** Nothing that anybody wrote for a boot loader is larger; what lies behind is not looked at. */
export const maxConfigBytes = 256 * 1024
const maxArguments = 1000

/** lib/cmdline.c: words between blanks, which double quotes keep together; the quotes are no part of a value. */
export function kernelArguments(text: string): KernelArgument[] {
  const words = text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []
  return words.slice(0, maxArguments).map((word) => {
    const plain = word.replaceAll('"', '')
    const equals = plain.indexOf('=')
    return equals < 0 ? { name: plain, value: null } : { name: plain.slice(0, equals), value: plain.slice(equals + 1) }
  })
}

/** The value of the last one of that name, which is the one that counts for most; "" for one without a value, null where there is none. */
export function argumentValue(all: readonly KernelArgument[], name: string): string | null {
  const found = all.findLast((argument) => argument.name === name)
  return found ? (found.value ?? '') : null
}

/** The lines of a configuration, without the carriage returns of editors on Windows. */
export function configLines(text: string): string[] {
  return text.slice(0, maxConfigBytes).split(/\r?\n/)
}
