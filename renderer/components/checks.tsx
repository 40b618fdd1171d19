import type { Job, JobCheck } from '../../native-helpers/contract.ts'
import { t } from '../i18n/index.ts'

const looks = { pending: 'plain', ok: 'good', differs: 'bad', skipped: 'plain' } as const

/** What a job compares, each with its state in a word. */
export function Checks({ checks }: { checks: Job['checks'] }) {
  if (checks.length === 0) return null
  return (
    <section className="sheet">
      <h2>{t.job.checks}</h2>
      <dl className="rows">
        {checks.map((check) => (
          <div key={check.id}>
            <dt>{t.job.checkName(check.id, check.label)}</dt>
            <dd>
              {check.value ? <code title={check.value}>{shortened(check)}</code> : null}
              <span className={`pill pill-${looks[check.state]}`}>
                {check.id === 'identity' && check.state === 'ok' ? t.job.pills.same : t.job.pills[check.state]}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** A sum is recognized by its ends. */
function shortened({ value }: JobCheck): string {
  if (value === null) return ''
  return /^[0-9a-f]{24,}$/i.test(value) ? `${value.slice(0, 8)}…${value.slice(-8)}` : value
}
