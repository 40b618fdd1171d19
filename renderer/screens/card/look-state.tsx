/** How a look goes: it runs, it was stopped, or it failed. */
import type { ReactNode } from 'react'
import { Button } from '../../components/button.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Mark } from '../../components/mark.tsx'
import { format, t } from '../../i18n/index.ts'
import { type SeenCard, useCards } from '../../state/cards.ts'
import { healthWords } from './card-words.ts'

/** The button that looks, or that stops looking. Nothing where the card is gone. */
export function LookButton({
  card,
  onLook,
  isPrimary = false,
}: {
  card: SeenCard | null
  onLook: () => void
  isPrimary?: boolean
}) {
  if (card?.state === 'looking') return <Button onPress={() => useCards.getState().stop(card.path)}>{t.card.stop}</Button>
  return (
    <Button onPress={onLook} look={isPrimary ? 'primary' : 'plain'}>
      {t.card.again}
    </Button>
  )
}

export function LookState({ card, name, retry }: { card: SeenCard; name: string; retry: ReactNode }) {
  return (
    <>
      <p role="status" className="unseen">
        {spoken(card, name)}
      </p>
      {card.state === 'looking' ? <Looking name={name} isAgain={card.report !== null} /> : null}
      {card.state === 'failed' && card.error ? <ErrorFinding error={card.error} action={retry} /> : null}
      {card.state === 'stopped' ? (
        <Finding kind="plain" title={t.card.stopped} action={retry}>
          <p>{t.card.stoppedText}</p>
        </Finding>
      ) : null}
      {card.state === 'failed' && card.report !== null ? <p className="soft">{t.card.stale(format.date(card.seenAt))}</p> : null}
    </>
  )
}

/** Read out as it changes, so that who does not see the screen knows when the look has ended, and how. */
function spoken({ state, report }: SeenCard, name: string): string {
  if (state === 'looking') return t.card.lookingAt(name)
  return state === 'known' && report ? `${name}: ${healthWords(report).word}` : ''
}

function Looking({ name, isAgain }: { name: string; isAgain: boolean }) {
  return (
    <div className={isAgain ? 'looking-line' : 'looking-sheet sheet'}>
      <Mark kind="busy" />
      <div>
        <strong>{t.card.lookingAt(name)}</strong>
        {isAgain ? null : <p className="soft">{t.card.lookingText}</p>}
      </div>
    </div>
  )
}
