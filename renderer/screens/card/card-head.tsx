/** What stands under the name: how the card is, which system it has, and that looking left it as it was. */
import type { ReactNode } from 'react'
import type { Report } from '../../../native-helpers/contract.ts'
import { Mark } from '../../components/mark.tsx'
import { t } from '../../i18n/index.ts'
import { healthWords, systemName } from './card-words.ts'

export function CardHead({ report, children }: { report: Report | null; children: ReactNode }) {
  return (
    <>
      {report === null ? null : (
        <>
          <Health report={report} />
          {systemName(report) ?? t.card.noSystem} ·{' '}
        </>
      )}
      {children}
      {report === null ? null : ` · ${t.card.untouched}`}
    </>
  )
}

function Health({ report }: { report: Report }) {
  const { word, mark } = healthWords(report)
  return (
    <strong className={`health health-${mark ?? 'plain'}`}>
      {mark === null ? null : <Mark kind={mark} />}
      {word}
    </strong>
  )
}
