import type { Terminal } from './terminal.ts'

export interface Option {
  type: 'boolean' | 'string'
  /** What stands for the value in the help: "FILE". */
  value?: string
  /** May be said several times. */
  many?: true
  help: string
}

export interface Given {
  positionals: string[]
  /** The text of `--name VALUE`, or null. */
  text(name: string): string | null
  /** Of an option that may be said several times, in their order. */
  texts(name: string): string[]
  flag(name: string): boolean
}

/** One word of the command line. `run` answers the exit code, and throws a LivecardError for everything that goes wrong. */
export interface Verb {
  name: string
  /** What follows the name in the help's first line. */
  usage: string
  summary: string
  /** Further paragraphs of `--help`. */
  about: string[]
  options: Record<string, Option>
  run(given: Given, terminal: Terminal): Promise<number>
}
