import type { ChangeContext, ChangeDraft } from '../change.ts'
import { lookAtDraft, renamesKernel, targetsOf } from './draft-look.ts'
import { mendKernel } from './mend-kernel.ts'
import { mendPersistence } from './mend-persistence.ts'
import { mendMenus } from './menu-mend.ts'
import { makeMenus } from './menu-new.ts'

/** What only this family knows of: the persistence's name and file, the kernel partition, and the boot menus. The filesystems were mended before. */
export async function repairLampone(path: string, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const before = await lookAtDraft(path, draft)
  if (!before) return
  const seen = mendPersistence(before, draft, context) ? await lookAtDraft(path, draft) : before
  if (!seen) return
  const targets = targetsOf(seen, draft, context)
  const boot = seen.layout.roles.get('boot')
  const renames = renamesKernel(seen, targets)
  // With its identity the menu that looks for it changes, and not before: until then the menu leads to what is there.
  if (boot && !renames) mendMenus(draft, boot, targets)
  await mendKernel(seen, draft, context, targets)
  if (boot && renames) mendMenus(draft, boot, targets)
  if (boot) makeMenus(seen, boot, draft, context, targets)
}
