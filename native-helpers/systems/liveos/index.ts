import type { Card, Detection, System } from '../system.ts'
import { backupsOfLive } from './backup.ts'
import { convertLive } from './convert.ts'
import { describeLive } from './describe.ts'
import { findLive } from './detect.ts'
import { enlargeLive, growingLive } from './enlarge.ts'
import { mergeLive } from './merge.ts'
import { repairLive } from './repair.ts'
import { resetLive } from './reset.ts'
import { restoreLive } from './restore.ts'

const names = {
  stick: 'Fedora LiveOS stick',
  iso: 'Fedora live image, written as it is',
  folder: 'Fedora LiveOS stick',
  overlay: 'Changes of a Fedora LiveOS stick',
} as const

/** Live systems of dracut's dmsquash-live, as livecd-tools and Fedora's images lay them out. */
export const liveos: System = {
  async detect(card: Card): Promise<Detection | null> {
    const live = await findLive(card)
    if (!live) return null
    const { form, generation, evidence, roles } = live
    return {
      id: 'liveos',
      name: names[form],
      generation,
      evidence,
      roles,
      describe: () => describeLive(card, live),
      backups: async () => backupsOfLive(card, live),
      repair: (draft, context) => repairLive(live, draft, context),
      growing: (draft) => growingLive(live, draft),
      enlarge: (draft, context) => enlargeLive(live, draft, context),
      restore: (draft, context) => restoreLive(card, live, draft, context),
      merge: (draft, context) => mergeLive(live, draft, context),
      convert: (draft, context) => convertLive(live, draft, context),
      reset: (draft, context) => resetLive(live, draft, context),
    }
  },
}
