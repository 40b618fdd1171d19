import type { Manifest } from '../archive/manifest.ts'
import type { ChangeDraft } from '../change.ts'
import type { Description } from '../system.ts'

/** Whether the card is one that the files were saved from, or one like it: told in the plan, and never in the way. */
export async function tellFit(
  draft: ChangeDraft,
  manifest: Manifest | null,
  { id, describe }: { id: string; describe(): Promise<Pick<Description, 'kernels'>> },
  withKernel: boolean,
): Promise<void> {
  if (!manifest || draft.purpose !== 'plan') return
  if (manifest.system.id !== id)
    draft.notes.push(
      `The files were saved from another kind of system (${manifest.system.name}); this card may not start with them.`,
    )
  const here = versions((await describe()).kernels)
  const missing = versions(manifest.kernels).filter((version) => !here.includes(version))
  if (missing.length === 0 || here.length === 0 || withKernel) return
  const offer = manifest.kernel ? ' --with-kernel puts that kernel back too.' : ''
  draft.notes.push(
    `The files were saved beside the kernel ${missing.join(', ')}; this card has ${here.join(', ')}. What belongs to a kernel, such as its modules, may not fit.${offer}`,
  )
}

function versions(kernels: readonly { version: string | null }[]): string[] {
  return [...new Set(kernels.flatMap(({ version }) => version ?? []))].sort()
}
