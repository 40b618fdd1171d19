import { useState } from 'react'
import type { ImageFacts } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { format, t } from '../../i18n/index.ts'
import { givenSum, useFlash } from '../../state/flash.ts'
import type { FlashMode } from '../../state/route.ts'

const algorithmNames = { sha256: 'SHA-256', md5: 'MD5' }

interface ImageFactsProps {
  facts: ImageFacts
  mode: FlashMode
  /** Which image of an archive is meant is still open, so nothing is said of what is in it. */
  undecided: boolean
}

/** What is known of an image before a byte of it is written. */
export function ImageFactsList({ facts, mode, undecided }: ImageFactsProps) {
  const remote = /^https?:/i.test(facts.ref.location)
  return (
    <>
      <dl className="rows">
        <Row name={t.flash.kind}>{t.formats[facts.format]}</Row>
        {facts.storedBytes === null ? null : (
          <Row name={remote ? t.flash.download : t.flash.stored}>
            <span title={format.exact(facts.storedBytes)}>{format.size(facts.storedBytes)}</span>
          </Row>
        )}
        {undecided ? null : <Inside facts={facts} mode={mode} />}
      </dl>
      {undecided ? null : <SumEntry anyFound={facts.sums.length > 0} />}
    </>
  )
}

function Inside({ facts, mode }: { facts: ImageFacts; mode: FlashMode }) {
  return (
    <>
      <Row name={t.flash.content}>
        {facts.contentBytes === null ? (
          t.flash.sizeUnknown
        ) : (
          <span title={format.exact(facts.contentBytes)}>{format.size(facts.contentBytes)}</span>
        )}
      </Row>
      <Row name={t.flash.shows}>{facts.shows ?? t.flash.showsNothing}</Row>
      {facts.bmap && mode === 'write' ? (
        <Row name={t.flash.bmap}>
          <span title={facts.bmap}>{t.flash.bmapFound}</span>
        </Row>
      ) : null}
      {facts.sums.map((sum) => (
        <Row key={sum.algorithm + sum.value} name={t.flash.checksum}>
          {t.flash.sumFound(algorithmNames[sum.algorithm], sum.from)}{' '}
          <span className="pill pill-good">{t.flash.sumFoundState}</span>
        </Row>
      ))}
      {facts.sums.length === 0 ? <NoSum /> : null}
    </>
  )
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function NoSum() {
  const given = givenSum(useFlash((state) => state.sum))
  if (given.state === 'sha256' || given.state === 'md5') return null
  return (
    <Row name={t.flash.checksum}>
      {t.flash.sumNone} <span className="pill pill-warn">{t.flash.sumNoneState}</span>
    </Row>
  )
}

/** A sum from the image's page, typed or pasted; which kind it is shows by its length. */
function SumEntry({ anyFound }: { anyFound: boolean }) {
  const sum = useFlash((state) => state.sum)
  const setOption = useFlash((state) => state.setOption)
  const [asked, setAsked] = useState(false)
  const given = givenSum(sum)
  if (!asked && given.state === 'none') {
    return (
      <div className="sum-ask">
        <Button look="quiet" onPress={() => setAsked(true)}>
          {anyFound ? t.flash.sumEnterAnother : t.flash.sumEnter}
        </Button>
      </div>
    )
  }
  return (
    <div className="sum">
      <Field
        label={t.flash.sumLabel}
        hint={t.flash.sumHint}
        value={sum}
        onChange={(value) => setOption({ sum: value })}
        error={given.state === 'incomplete' ? t.flash.sumBad : null}
        mono
      />
      {given.state === 'sha256' || given.state === 'md5' ? (
        <span className="pill pill-good">
          {algorithmNames[given.state]} · {t.flash.sumGivenState}
        </span>
      ) : null}
    </div>
  )
}
