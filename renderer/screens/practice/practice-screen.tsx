/** Practice cards: files that behave like broken cards. One is chosen, made in a folder of the user's, and opened. */
import { useEffect, useState } from 'react'
import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import type { Answer, ErrorValue } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { ErrorFinding } from '../../components/finding.tsx'
import { Mark } from '../../components/mark.tsx'
import { browse, openCard } from '../../components/opening.ts'
import { Screen } from '../../components/screen.tsx'
import { format, language, t } from '../../i18n/index.ts'
import { isFullPath, joined } from '../../state/card-file.ts'
import { ask } from '../../state/connection.ts'

type PracticeCards = Answer<'demo.list'>

interface OfSystem {
  system: PracticeCards[number]['system']
  ofIt: PracticeCards
}

/** In the helper's order, which has the well ones first. */
export function bySystem(cards: PracticeCards): OfSystem[] {
  const groups: OfSystem[] = []
  for (const card of cards) {
    const group = groups.find(({ system }) => system === card.system)
    if (group) group.ofIt.push(card)
    else groups.push({ system: card.system, ofIt: [card] })
  }
  return groups
}

export function PracticeScreen() {
  const [cards, setCards] = useState<PracticeCards | null>(null)
  const [error, setError] = useState<ErrorValue | null>(null)
  useEffect(() => {
    void ask('demo.list', {}).then((outcome) => (outcome.ok ? setCards(outcome.value) : setError(outcome.error)))
  }, [])
  return (
    <Screen title={t.practice.title} sub={t.practice.sub}>
      {error ? <ErrorFinding error={error} /> : null}
      {cards ? <PracticeForm cards={cards} /> : null}
      {cards === null && error === null ? <p className="soft">{t.practice.loading}</p> : null}
    </Screen>
  )
}

function PracticeForm({ cards }: { cards: PracticeCards }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [folder, setFolder] = useState('')
  const [making, setMaking] = useState(false)
  const [error, setError] = useState<ErrorValue | null>(null)
  useEffect(() => {
    void ask('images.browse', { folder: null }).then((outcome) => {
      if (outcome.ok) setFolder((before) => before || joined(outcome.value.folder, 'practice-cards'))
    })
  }, [])

  const make = async () => {
    if (chosen === null) return
    setMaking(true)
    setError(null)
    const outcome = await ask('demo.make', { id: chosen, folder: folder.trim() })
    setMaking(false)
    if (outcome.ok) openCard(outcome.value.path, null)
    else setError(outcome.error)
  }
  const choose = () =>
    browse({
      title: t.practice.place,
      start: null,
      allFiles: false,
      onFile: null,
      folder: { act: t.practice.here, onFolder: setFolder },
    })
  const isReady = chosen !== null && isFullPath(folder)
  return (
    <>
      <section className="sheet">
        <RadioGroup className="choices practice-cards" value={chosen} onChange={setChosen}>
          <Label>{t.practice.which}</Label>
          {bySystem(cards).map(({ system, ofIt }) => (
            <section key={system} aria-labelledby={`practice-${system}`}>
              <h2 id={`practice-${system}`}>{t.practice.systems[system]}</h2>
              <div className="practice-grid">
                {ofIt.map((card) => (
                  <PracticeChoice key={card.id} card={card} />
                ))}
              </div>
            </section>
          ))}
        </RadioGroup>
      </section>
      <section className="sheet practice-place">
        <div className="card-file-place">
          <Field
            label={t.practice.place}
            hint={t.practice.placeHint}
            value={folder}
            onChange={setFolder}
            error={folder === '' || isFullPath(folder) ? null : t.practice.needFolder}
            mono
          />
          <Button onPress={choose}>{t.card.bundle.choose}</Button>
        </div>
        {error ? <ErrorFinding error={error} /> : null}
        <div className="step-end">
          <p className="soft" id="practice-next" role="status">
            {making ? t.practice.making : isReady ? t.practice.ready : t.practice.needChoice}
          </p>
          <Button look="primary" onPress={make} isDisabled={!isReady || making} aria-describedby="practice-next">
            {t.practice.make}
          </Button>
        </div>
      </section>
    </>
  )
}

/** The helper names its cards in English. */
const helpersOwn = language === 'en' ? undefined : 'en'

function PracticeChoice({ card }: { card: PracticeCards[number] }) {
  return (
    <Radio value={card.id} className="choice" isDisabled={card.problem !== null}>
      <span className="choice-sign" aria-hidden="true" />
      <span className="choice-name">
        <strong>
          <span lang={helpersOwn}>{card.title}</span> <Mark kind={card.ailment === null ? 'good' : 'bad'} />
        </strong>
        <span lang={card.problem === null && card.ailment === null ? undefined : helpersOwn}>
          {card.problem ?? card.ailment ?? t.practice.well}
        </span>
      </span>
      <small title={format.exact(card.sizeBytes)}>{format.size(card.sizeBytes)}</small>
    </Radio>
  )
}
