import type { CardJob } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { t } from '../../i18n/index.ts'
import { go } from '../../state/route.ts'
import { jobRoute } from './card-ways.ts'

/** Everything that can be done with this very card. Of a drive that may not be written only what reads. */
export function JobButtons({ path, jobs, isWritable }: { path: string; jobs: readonly CardJob[]; isWritable: boolean }) {
  return jobs
    .filter((job) => isWritable || job === 'backup')
    .map((job) => (
      <Button key={job} onPress={() => go(jobRoute(job, path))}>
        {t.card.remedies[job]}
      </Button>
    ))
}
