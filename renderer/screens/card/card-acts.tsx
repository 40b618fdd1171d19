/** What can be done with a card now, and with what was seen of it. */
import { type ReactNode, useState } from 'react'
import type { Report } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { copyText } from '../../components/clipboard.ts'
import { t } from '../../i18n/index.ts'
import type { SeenCard } from '../../state/cards.ts'
import { BundleDialog } from './bundle-dialog.tsx'
import { reportText } from './report-text.ts'

interface CardActsProps {
  card: SeenCard
  report: Report
  name: string
  children: ReactNode
}

export function CardActs({ card, report, name, children }: CardActsProps) {
  const [copied, setCopied] = useState<string | null>(null)
  const [bundling, setBundling] = useState(false)
  const copy = async () => setCopied((await copyText(reportText(report, name, card.seenAt))) ? t.card.copied : t.card.copyFailed)
  return (
    <section className="acts" aria-label={t.card.acts}>
      <div className="actions">{children}</div>
      <span className="grow" />
      <div className="actions">
        <Button onPress={copy}>{t.card.copy}</Button>
        <Button onPress={() => setBundling(true)}>{t.card.bundle.ask}</Button>
      </div>
      <p className="acts-said" role="status">
        {copied}
      </p>
      <BundleDialog card={card} isOpen={bundling} onLeave={() => setBundling(false)} />
    </section>
  )
}
