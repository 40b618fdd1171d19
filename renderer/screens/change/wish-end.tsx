import { Button } from '../../components/button.tsx'
import { t } from '../../i18n/index.ts'
import { ToCard } from './plan-ways.tsx'

/** The ways on from what a job was told: back to the card, or to the plan of it. */
export function WishEnd({ path, onPlan, isDisabled = false }: { path: string; onPlan: () => void; isDisabled?: boolean }) {
  return (
    <div className="screen-end">
      <ToCard path={path} />
      <span className="grow" />
      <Button look="primary" onPress={onPlan} isDisabled={isDisabled}>
        {t.change.wish.plan}
      </Button>
    </div>
  )
}
