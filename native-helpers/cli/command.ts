import { exitCodes, toErrorValue } from '../errors.ts'
import { version } from '../version.ts'
import { parseVerb, usageError } from './args.ts'
import { backup } from './backup.ts'
import { convert } from './convert.ts'
import { customise } from './customise.ts'
import { demo } from './demo.ts'
import { drives } from './drives.ts'
import { enlarge } from './enlarge.ts'
import { flash } from './flash.ts'
import { generalHelp, help, verbHelp } from './help.ts'
import { inspect } from './inspect.ts'
import { merge } from './merge.ts'
import { repair } from './repair.ts'
import { reportError, resultOf } from './report.ts'
import { reset } from './reset.ts'
import { restore } from './restore.ts'
import { serve } from './serve.ts'
import { createTerminal, type Terminal } from './terminal.ts'
import { undo } from './undo.ts'
import type { Verb } from './verb.ts'
import { verify } from './verify.ts'

export const verbs: Verb[] = [
  drives,
  flash,
  verify,
  inspect,
  repair,
  enlarge,
  backup,
  restore,
  reset,
  merge,
  convert,
  customise,
  undo,
  demo,
  serve,
  help,
]

/** Words of the command line that other versions have. Said plainly, instead of "unknown", and never done halfway. */
const elsewhere = new Set(['switch', 'modules'])

/** Runs one command and answers its exit code; every error has been told by then. */
export async function runCommand(argv: string[]): Promise<number> {
  const terminal = createTerminal()
  const exitCode = await run(argv, terminal)
  await terminal.drained()
  return exitCode
}

async function run(argv: string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = argv
  try {
    if (word === '--version' || word === '-V') {
      terminal.answer(`livecard ${version}`)
      return 0
    }
    if (word === '--help' || word === '-h') {
      terminal.answer(generalHelp(verbs))
      return 0
    }
    if (word === undefined) {
      terminal.say(generalHelp(verbs))
      return exitCodes.usage
    }
    return await runVerb(word, rest, terminal)
  } catch (thrown) {
    const error = toErrorValue(thrown)
    reportError(error, terminal)
    if (argv.includes('--json')) terminal.json(resultOf(error))
    return exitCodes[error.kind]
  }
}

async function runVerb(word: string, argv: string[], terminal: Terminal): Promise<number> {
  const verb = verbs.find(({ name }) => name === word)
  if (!verb) throw unknownVerb(word)
  const given = parseVerb(verb, argv)
  if (given.flag('help')) {
    terminal.answer(verbHelp(verb))
    return 0
  }
  if (verb === help) return tellHelp(given.positionals, terminal)
  return verb.run(given, terminal)
}

function tellHelp([word]: string[], terminal: Terminal): number {
  const verb = verbs.find(({ name }) => name === word)
  if (word !== undefined && !verb) throw unknownVerb(word)
  terminal.answer(verb ? verbHelp(verb) : generalHelp(verbs))
  return 0
}

function unknownVerb(word: string) {
  const names = verbs.map(({ name }) => name).join(', ')
  if (elsewhere.has(word)) {
    return usageError('verb-not-here', `Livecard ${version} does not have "${word}".`, `This version has: ${names}.`)
  }
  return usageError('verb-unknown', `There is no "${word}" in Livecard.`, `There are: ${names}. "livecard help" says more.`)
}
