import { usageError } from './args.ts'
import { watchInterrupt } from './interrupt.ts'
import type { Verb } from './verb.ts'
import { decimalSize, table } from './words.ts'

export const demo: Verb = {
  name: 'demo',
  usage: '[DIR [CARD…]]',
  summary: 'make practice cards: one per system and one per ailment; without DIR, list them',
  about: [
    'Makes files that behave like real cards in every verb: all of them, or those that are named. They are as large as cards and take little room on the disk. A file that is there already is left as it is.',
  ],
  options: {},
  async run(given, terminal) {
    const [folder, ...ids] = given.positionals
    const { listPracticeCards, makePracticeCard } = await import('../jobs/demo/make-cards.ts')
    const listed = listPracticeCards()
    if (folder === undefined) {
      if (given.flag('json')) terminal.json({ format: 1, cards: listed })
      else terminal.answer(table(listed.map(({ id, title, problem }) => [id, problem ?? title])).join('\n'))
      return 0
    }
    const unknown = ids.find((id) => !listed.some((card) => card.id === id))
    if (unknown !== undefined)
      throw usageError('demo-unknown', `There is no practice card "${unknown}".`, '"livecard demo" lists them.')
    const wanted = listed.filter(({ id, problem }) => (ids.length === 0 ? problem === null : ids.includes(id)))
    const leftOut = ids.length === 0 ? listed.filter(({ problem }) => problem !== null) : []
    const interrupt = watchInterrupt(() => {})
    const made = []
    try {
      for (const card of wanted) {
        if (terminal.liveLine) terminal.drawLine(`Making ${card.id}`)
        const file = await makePracticeCard(card.id, folder, { ifThere: 'leave', signal: interrupt.signal })
        made.push({ ...card, ...file })
        if (given.flag('json')) continue
        const note = file.wasThere
          ? 'was there already'
          : `${decimalSize(file.sizeBytes)}, ${decimalSize(file.allocatedBytes)} on disk`
        terminal.answer(`${file.path} (${note})\n  ${card.title}${card.ailment === null ? '' : `. ${card.ailment}`}`)
      }
    } finally {
      if (terminal.liveLine) terminal.drawLine('')
      interrupt.release()
    }
    if (leftOut.length > 0) terminal.say(`${leftOut.length} more are not made: ${leftOut[0]?.problem}`)
    if (given.flag('json')) terminal.json({ format: 1, cards: made })
    return 0
  },
}
