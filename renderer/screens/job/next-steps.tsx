/** What makes sense now with a system that was just written: the rest of the card, and settings before its first start. */
import { Fragment } from 'react'
import type { Job } from '../../../native-helpers/contract.ts'
import { Link } from '../../components/link.tsx'
import { t } from '../../i18n/index.ts'
import { firstRoute } from '../../state/route.ts'

const words = {
  enlarge: { act: t.customise.next.enlarge, text: t.customise.next.enlargeText },
  customise: { act: t.customise.next.customise, text: t.customise.next.customiseText },
}

export function NextSteps({ job: { targets } }: { job: Job }) {
  const written = targets.filter(({ next = [] }) => next.length > 0)
  if (written.length === 0) return null
  return (
    <section className="sheet" aria-labelledby="next-steps">
      <h2 id="next-steps">{t.customise.next.title}</h2>
      <dl className="rows">
        {written.map(({ path, label, next = [] }) => (
          <Fragment key={path}>
            {next.map((one) => (
              <div key={one}>
                <dt>
                  {words[one].text} {written.length > 1 ? <code>{label}</code> : null}
                </dt>
                <dd>
                  <Link to={firstRoute(one, path)} className="button button-plain">
                    {words[one].act}
                  </Link>
                </dd>
              </div>
            ))}
          </Fragment>
        ))}
      </dl>
    </section>
  )
}
