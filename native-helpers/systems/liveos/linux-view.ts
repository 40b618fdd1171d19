import type { BlockDevice } from '../../block/device.ts'
import type { ReportOverlay } from '../../contract-report.ts'
import type { ExtFacts } from '../../volumes/ext-facts.ts'
import { replayedInMemory } from '../../volumes/ext-replay.ts'
import { type ExtOpened, openExt } from '../../volumes/ext-tree.ts'
import { type Parsed, parsed, unusable } from '../../volumes/problem.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { problemOf } from '../card.ts'

/** An ext filesystem as a system sees it that has mounted it: its journal carried out, in memory. */
export interface LinuxView {
  filesystem: NonNullable<ReportOverlay['filesystem']>
  label: string | null
  uuid: string | null
  tree: VolumeTree
  /** What shows that it is damaged, a clause; null where nothing does. */
  damage: string | null
  /** Which blocks are written when the journal is carried out, and their size; null where nothing waits in it. */
  replayed: { blockBytes: number; blocks: readonly number[] } | null
}

/** Problems are those of the filesystem; a bad place of the device is one too. */
export function linuxView(device: BlockDevice): Parsed<LinuxView> {
  try {
    const { value: stored, problem } = openExt(device)
    if (!stored) return { value: null, problem }
    if (!stored.facts.needsRecovery) return parsed(viewOf(stored.facts, stored, null, null))
    const { value: replay, problem: noReplay } = replayedInMemory(device)
    if (!replay) return parsed(viewOf(stored.facts, stored, null, noReplay.detail))
    const { value: seen, problem: unseen } = openExt(replay.device)
    if (!seen) return { value: null, problem: unseen }
    const { blockBytes } = stored.facts
    return parsed(viewOf(stored.facts, seen, { blockBytes, blocks: [0, ...replay.targets] }, replay.problems[0]?.detail ?? null))
  } catch (thrown) {
    const { code, detail } = problemOf(thrown)
    return unusable(code, detail)
  }
}

function viewOf(before: ExtFacts, seen: ExtOpened, replayed: LinuxView['replayed'], replayProblem: string | null): LinuxView {
  const { facts, tree, problems } = seen
  const { type, totalBytes, freeBytes, label, uuid } = facts
  const { clean, needsRecovery } = before
  return {
    filesystem: { type, clean, needsRecovery, usedBytes: totalBytes - (freeBytes ?? 0), totalBytes },
    label,
    uuid,
    tree,
    damage: replayProblem ?? damageOf(facts, problems),
    replayed,
  }
}

function damageOf(facts: ExtFacts, problems: ExtOpened['problems']): string | null {
  const [first] = problems.filter(({ code }) => code !== 'ext-large')
  if (first) return first.detail
  if (facts.errorCount > 0) return `it counts ${facts.errorCount} errors that were met in it`
  return !facts.clean && facts.features.includes('has_journal') ? 'its mark for errors is set' : null
}
