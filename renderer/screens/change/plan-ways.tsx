/** The ways away from a plan: to the card, and to what the job was asked for. */
import type { ChangeJobName } from '../../../native-helpers/contract.ts'
import { Link } from '../../components/link.tsx'
import { t } from '../../i18n/index.ts'
import { cardRoute } from './change-words.ts'

export function ToCard({ path }: { path: string }) {
  return (
    <Link to={cardRoute(path)} className="button button-plain">
      {t.change.plan.toCard}
    </Link>
  )
}

/** Nothing was asked for a repair. */
export function ToWish({ job, path }: { job: ChangeJobName; path: string }) {
  if (job === 'repair') return null
  return (
    <Link to={{ screen: 'wish', job, path }} className="button button-plain">
      {t.change.plan.toWish}
    </Link>
  )
}
