import type { BackupPart } from '../../../native-helpers/contract.ts'
import { t } from '../../i18n/index.ts'
import type { TreeEntry } from '../../state/file-tree.ts'
import { helperLanguage } from '../change/plan-parts.tsx'

/** What a part of a card is called and what it is; in the helper's own words where the interface has none. */
export function partWords({ what, title, note, problem }: BackupPart): Pick<TreeEntry, 'name' | 'note' | 'problem' | 'language'> {
  const own = note === null ? null : t.backup.note(note)
  const isOwn = problem === null && own !== note
  return { name: t.backup.part(what, title), note: own, problem, language: isOwn ? undefined : helperLanguage }
}
