/** More room for what a system keeps: how large it is to be, within the room that there is. */
import { useState } from 'react'
import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import type { Growing, Finding as ReportFinding } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { useGrowing } from '../../components/use-growing.ts'
import { format, t } from '../../i18n/index.ts'
import { useCards } from '../../state/cards.ts'
import { usePlanning } from '../../state/planning.ts'
import { firstRoute } from '../../state/route.ts'
import { useCardName } from '../change/change-words.ts'
import { helperLanguage, Making } from '../change/plan-parts.tsx'
import { ToCard } from '../change/plan-ways.tsx'
import { WishEnd } from '../change/wish-end.tsx'
import { SizeChoice } from './size-choice.tsx'

export function EnlargeScreen({ path }: { path: string }) {
  const { asked, again } = useGrowing(path)
  const name = useCardName(path)
  return (
    <Screen title={t.change.jobs.enlarge.title(name)} sub={asked.state === 'known' ? t.change.wish.sub : null}>
      <p role="status" className="unseen">
        {asked.state === 'asking' ? t.enlarge.asking : ''}
      </p>
      {asked.state === 'known' ? (
        <Choice path={path} parts={asked.parts} />
      ) : (
        <>
          {asked.state === 'failed' ? (
            <ErrorFinding error={asked.error} action={<Button onPress={again}>{t.enlarge.again}</Button>} />
          ) : (
            <Making title={t.enlarge.asking} text={t.enlarge.askingText} />
          )}
          <div className="screen-end">
            <ToCard path={path} />
          </div>
        </>
      )}
    </Screen>
  )
}

/** Sizes are kept for each part, so that looking at the other one loses none. */
function Choice({ path, parts }: { path: string; parts: readonly Growing[] }) {
  const [chosen, setChosen] = useState((parts.find((part) => part.problem === null) ?? parts[0])?.what)
  const [sizes, setSizes] = useState<Partial<Record<Growing['what'], number | null>>>({})
  const part = parts.find((one) => one.what === chosen)
  if (!part) return null
  const { what } = part
  const isKnown = what in sizes
  const isInside = part.problem === null && part.maxBytes <= part.nowBytes
  const bytes = isInside ? part.maxBytes : isKnown ? (sizes[what] ?? null) : part.nowBytes
  const can = part.problem === null && bytes !== null && bytes >= part.leastBytes && bytes <= part.maxBytes
  const plan = () =>
    usePlanning.getState().wish('enlarge', path, { what, to: bytes === part.maxBytes ? 'max' : String(Math.floor(bytes ?? 0)) })
  return (
    <>
      {parts.length > 1 ? <WhichPart parts={parts} chosen={what} onChoose={setChosen} /> : null}
      {isInside ? (
        <Finding kind="plain" title={t.enlarge.inside(t.enlarge.parts[what])}>
          <p>{t.enlarge.insideText}</p>
        </Finding>
      ) : part.problem === null ? (
        <SizeChoice key={what} part={part} bytes={bytes} onChange={(size) => setSizes({ ...sizes, [what]: size })} />
      ) : (
        <CannotGrow path={path} part={part} />
      )}
      <WishEnd path={path} onPlan={plan} isDisabled={!can} />
    </>
  )
}

interface WhichPartProps {
  parts: readonly Growing[]
  chosen: Growing['what']
  onChoose: (what: Growing['what']) => void
}

function WhichPart({ parts, chosen, onChoose }: WhichPartProps) {
  return (
    <section className="sheet">
      <RadioGroup
        className="choices"
        value={chosen}
        onChange={(value) => onChoose(parts.find((part) => part.what === value)?.what ?? chosen)}
      >
        <Label>{t.enlarge.which}</Label>
        {parts.map(({ what, name, nowBytes }) => (
          <Radio key={what} value={what} className="choice">
            <span className="choice-sign" aria-hidden="true" />
            <span className="choice-name">
              {t.enlarge.parts[what]} <code className="soft">{name}</code>
            </span>
            <small title={format.exact(nowBytes)}>{format.size(nowBytes)}</small>
          </Radio>
        ))}
      </RadioGroup>
    </section>
  )
}

/** Less room than this is none to speak of. */
const worthBytes = 4 * 1024 * 1024

function isForRepair({ remedy, severity }: ReportFinding): boolean {
  return remedy === 'repair' && severity !== 'info'
}

/** Where there is room, something has to be done first. */
function CannotGrow({ path, part }: { path: string; part: Growing }) {
  const what = t.enlarge.parts[part.what]
  const hasRoom = part.maxBytes - part.nowBytes >= worthBytes
  const needsRepair = useCards(({ cards }) => cards[path]?.report?.findings.some(isForRepair) ?? false)
  return (
    <Finding
      kind={hasRoom ? 'warn' : 'plain'}
      title={hasRoom ? t.enlarge.cannot(what) : t.enlarge.noRoom(what, format.size(part.nowBytes))}
      action={
        needsRepair ? (
          <Link to={firstRoute('repair', path)} className="button button-plain">
            {t.enlarge.repair}
          </Link>
        ) : null
      }
    >
      <p lang={helperLanguage}>{part.problem}</p>
      {hasRoom ? null : <p>{t.enlarge.noRoomText}</p>}
    </Finding>
  )
}
