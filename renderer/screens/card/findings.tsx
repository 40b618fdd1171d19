/** What was found, the worst first, each with what was seen, what that means, and what helps as a button. */
import type { ReactNode } from 'react'
import type { Remedy, Report, Finding as ReportFinding } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Finding } from '../../components/finding.tsx'
import { findingWords, format, t } from '../../i18n/index.ts'
import { worstFirst } from '../../state/card-health.ts'

/** What pressing a remedy does; a text says why it cannot be pressed. */
export type RemedyWay = (remedy: Remedy) => (() => void) | string

export function Findings({ report, wayOf }: { report: Report; wayOf: RemedyWay }) {
  const serious = worstFirst(report.findings).filter((finding) => finding.severity !== 'info')
  return (
    <section className="findings" aria-label={t.card.findings}>
      {serious.length === 0 ? <Good report={report} /> : null}
      {serious.map((finding) => (
        <Finding
          key={keyOf(finding)}
          kind={finding.severity === 'error' ? 'bad' : 'warn'}
          title={findingWords(finding).title}
          action={<RemedyButton finding={finding} wayOf={wayOf} isFirst={finding === serious[0]} />}
        >
          <Body finding={finding} />
        </Finding>
      ))}
    </section>
  )
}

function keyOf({ id, partition, detail }: ReportFinding): string {
  return `${id} ${partition} ${detail}`
}

function Good({ report }: { report: Report }) {
  const { bytesRead, milliseconds } = report.reading
  return (
    <Finding kind={report.system === null ? 'plain' : 'good'} title={t.card.good}>
      <p>{report.system === null ? t.card.goodUnknown : t.card.goodText(format.size(bytesRead), format.moment(milliseconds))}</p>
    </Finding>
  )
}

function Body({ finding }: { finding: ReportFinding }): ReactNode {
  const { detail, meaning, rest } = findingWords(finding)
  return (
    <>
      <p lang={rest}>{meaning}</p>
      <p className="finding-detail" lang={rest}>
        {placeOf(finding)}
        {detail}
      </p>
    </>
  )
}

/** Where the detail does not begin with it itself. */
function placeOf({ partition, detail }: ReportFinding): string {
  if (partition === null || partition === 0 || /^partition \d/i.test(detail)) return ''
  return `${t.card.map.partition(partition)}: `
}

function RemedyButton({ finding, wayOf, isFirst }: { finding: ReportFinding; wayOf: RemedyWay; isFirst: boolean }) {
  const { remedy } = finding
  if (remedy === null) return null
  const way = wayOf(remedy)
  const can = typeof way === 'function'
  const why = `why-${finding.id}-${finding.partition ?? ''}`
  return (
    <div className="remedy">
      <Button
        look={isFirst && can ? 'primary' : 'plain'}
        isDisabled={!can}
        onPress={can ? way : undefined}
        aria-describedby={can ? undefined : why}
      >
        {t.card.remedies[remedy]}
      </Button>
      {can ? null : <small id={why}>{way}</small>}
    </div>
  )
}

/** What is good to know and no reason to worry: it stands below what is on the card. */
export function Notes({ report, wayOf }: { report: Report; wayOf: RemedyWay }) {
  const notes = report.findings.filter((finding) => finding.severity === 'info')
  if (notes.length === 0) return null
  return (
    <section className="sheet notes" aria-labelledby="card-notes">
      <h2 id="card-notes">{t.card.notes}</h2>
      <ul>
        {notes.map((note) => (
          <li key={keyOf(note)}>
            <div>
              <strong>{findingWords(note).title}</strong>
              <Body finding={note} />
            </div>
            <RemedyButton finding={note} wayOf={wayOf} isFirst={false} />
          </li>
        ))}
      </ul>
    </section>
  )
}
