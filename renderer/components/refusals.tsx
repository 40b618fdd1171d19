import type { Drive } from '../../native-helpers/contract.ts'
import { refusalWords } from '../i18n/index.ts'

/** Why a drive is not offered, each reason a paragraph that names what uses the drive. */
export function Refusals({ refusals }: { refusals: Drive['refusals'] }) {
  return refusals.map((refusal) => {
    const { reason, detail } = refusalWords(refusal)
    return (
      <p key={refusal.code + refusal.reason}>
        {reason}
        {detail === null ? null : <span lang="en"> {detail}</span>}
      </p>
    )
  })
}
