import type { System } from '../system.ts'
import { backupsOfLampone } from './backup.ts'
import { customiseLampone } from './customise.ts'
import { enlargeLampone, growingOnLampone } from './enlarge.ts'
import { findLayout, type Role } from './layout.ts'
import { lookAtCard } from './look.ts'
import { repairLampone } from './repair.ts'
import { resetLampone } from './reset.ts'
import { restoreLampone } from './restore.ts'

/** In the user's words. */
const roleWords: Record<Role, string> = { boot: 'boot', system: 'system', kernel: 'kernel', persistence: 'persistence' }

/** Lampone Pi, liveng, Resilient Linux and Secure-K: a system and a kernel each as an ISO volume in a partition, and changes laid over them by live-boot. */
export const lampone: System = {
  async detect(card) {
    const layout = await findLayout(card)
    if (!layout) return null
    const { id, name, generation, evidence } = layout
    const roles = new Map([...layout.roles].map(([role, volume]) => [volume.number, roleWords[role]] as const))
    return {
      id,
      name,
      generation,
      evidence,
      roles,
      describe: async () => (await lookAtCard(card, layout)).description,
      backups: () => backupsOfLampone(layout),
      repair: (draft, context) => repairLampone(card.path, draft, context),
      enlarge: async (draft, context) => enlargeLampone(card, layout, draft, context),
      growing: async (draft) => growingOnLampone(card, layout, draft),
      reset: (draft, context) => resetLampone(card.path, draft, context),
      restore: (draft, context) => restoreLampone(card, layout, draft, context),
      customise: (draft, context) => customiseLampone(layout, draft, context),
    }
  },
}
