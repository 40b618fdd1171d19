import { version } from '../version.ts'
import { commonOptions } from './args.ts'
import type { Verb } from './verb.ts'
import { table, wrap } from './words.ts'

const columns = 96

export const help: Verb = {
  name: 'help',
  usage: '[VERB]',
  summary: 'this text, or the one of a verb',
  about: [],
  options: {},
  // The command itself answers it, as only that knows all verbs.
  run: async () => 0,
}

const exitCodeLines = [
  '0    done',
  '1    failed, nothing lost; the message says the state',
  '2    wrong usage',
  '3    refused for safety: system disk, mounted, changed since it was confirmed',
  '4    not the data expected: checksum, damaged image',
  '5    needs privilege that was not given',
  '6    inspected or verified, and something is wrong',
  '130  cancelled',
]

export function generalHelp(verbs: Verb[]): string {
  return [
    `Livecard ${version}: writes, verifies and inspects cards and sticks.`,
    '',
    ...table(verbs.map(({ name, usage, summary }) => [`  livecard ${name} ${usage}`.trimEnd(), summary])),
    '',
    'Every verb has --json (for scripts) and --help. The answer goes to stdout, everything else to stderr.',
    'A verb that changes a card shows its plan and asks first; --yes answers, --plan only shows it.',
    '',
    'Exit codes:',
    ...exitCodeLines.map((line) => `  ${line}`),
  ].join('\n')
}

export function verbHelp(verb: Verb): string {
  const options = Object.entries({ ...verb.options, ...commonOptions })
  return [
    `livecard ${verb.name} ${verb.usage}`.trimEnd(),
    '',
    `${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`,
    ...verb.about.flatMap((paragraph) => ['', wrap(paragraph, columns)]),
    '',
    ...table(options.map(([name, { value, help: text }]) => [`  --${name}${value ? ` ${value}` : ''}`, text])),
  ].join('\n')
}
