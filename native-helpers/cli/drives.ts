import type { Drive } from '../contract.ts'
import type { Verb } from './verb.ts'
import { decimalSize, table } from './words.ts'

export const drives: Verb = {
  name: 'drives',
  usage: '[--all]',
  summary: 'the drives that may be written, and with --all the others with the reason why not',
  about: [],
  options: { all: { type: 'boolean', help: 'also the drives that are refused, with the reasons' } },
  async run(given, terminal) {
    const { listDrives } = await import('../drives/list.ts')
    const all = await listDrives()
    const open = all.filter((drive) => drive.refusals.length === 0)
    const refused = all.filter((drive) => drive.refusals.length > 0)
    if (given.flag('json')) {
      terminal.json({ format: 1, drives: given.flag('all') ? all : open })
      return 0
    }
    if (open.length > 0) terminal.answer(table([header, ...open.map(row)], [1]).join('\n'))
    else terminal.answer('No drive that may be written is plugged in.')
    if (given.flag('all') && refused.length > 0)
      terminal.answer(`\nNot written by Livecard:\n${refused.flatMap(refusedLines).join('\n')}`)
    else if (open.length === 0 && refused.length > 0)
      terminal.say(`"livecard drives --all" shows ${refused.length} more, and why they are refused.`)
    return 0
  },
}

const header = ['DRIVE', 'SIZE', 'BUS', 'NAME', 'HOLDS']

function row(drive: Drive): string[] {
  return [drive.identity.path, decimalSize(drive.identity.sizeBytes), drive.bus, drive.name, holds(drive)]
}

/** What a person recognises a card by: the names of its volumes, and where they are open. */
function holds({ whole, partitions }: Drive): string {
  const volumes = partitions.length > 0 ? partitions : [{ ...whole, sizeBytes: null }]
  const named = volumes
    .map(({ label, fs, mounts }) => [label ?? fs ?? '', ...mounts.map((at) => `(at ${at})`)].filter(Boolean).join(' '))
    .filter(Boolean)
  return named.length > 0 ? named.join(', ') : partitions.length > 0 ? `${partitions.length} partitions` : 'nothing that is known'
}

function refusedLines(drive: Drive): string[] {
  const { path, sizeBytes } = drive.identity
  return [`${path}  ${decimalSize(sizeBytes)}  ${drive.name}`, ...drive.refusals.map(({ reason }) => `    ${reason}`)]
}
