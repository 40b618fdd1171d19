import { extentsDevice } from '../../block/extents.ts'
import { openFat } from '../../volumes/fat-tree.ts'
import { findNode, readSmallFile } from '../../volumes/tree.ts'
import type { ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import { maxMenuBytes, menuPaths } from './layout.ts'
import { type MenuTargets, mendedMenu, withLength } from './menu-edit.ts'

/** Cards are written in sectors of this size, each of which is old or new after a power cut. */
const sectorBytes = 512

/** The boot menus of a card as bytes, each of which is a letter: what they are not changed in stays as it is, whatever it is encoded in. */
export function menuTexts(draft: ChangeDraft, boot: CardVolume): Map<string, string> {
  const { value: tree } = openFat(draft.part(boot.startBytes, boot.device.size))
  const texts = new Map<string, string>()
  for (const path of tree ? menuPaths : []) {
    const bytes = tree && readSmallFile(tree, path, maxMenuBytes)
    if (bytes && bytes.length > 0) texts.set(path, Buffer.from(bytes).toString('latin1'))
  }
  return texts
}

/**
 * Mends the boot menus where they lie: the files keep their places and lengths, and only sectors with a changed word are written. A power cut leaves each
 * of these sectors old or new; an entry was right before, or is not worse than it was.
 */
export function mendMenus(draft: ChangeDraft, boot: CardVolume, targets: MenuTargets): void {
  for (const [path, text] of menuTexts(draft, boot)) {
    const mended = mendedMenu(text, targets)
    const fitting = mended === null ? null : withLength(mended, text.length)
    if (fitting === text) continue
    if (fitting === null) {
      draft.notes.push(`${path} on partition ${boot.number} is left as it is: it is written in a way that is not changed here.`)
      continue
    }
    write(draft, boot, path, { text, fitting })
    draft.endGroup()
    draft.steps.push(`${path} on partition ${boot.number}: ${changesOf(text, fitting)}.`)
  }
}

function write(draft: ChangeDraft, boot: CardVolume, path: string, { text, fitting }: { text: string; fitting: string }): void {
  const part = draft.part(boot.startBytes, boot.device.size)
  const { value: tree } = openFat(part)
  const extents = tree && findNode(tree, path)?.extents().value
  if (!extents) throw new TypeError(`${path} was read and cannot be found`)
  const file = extentsDevice(part, extents)
  const [before, after] = [Buffer.from(text, 'latin1'), Buffer.from(fitting, 'latin1')]
  for (let at = 0; at < after.length; at += sectorBytes) {
    const sector = after.subarray(at, at + sectorBytes)
    if (!sector.equals(before.subarray(at, at + sectorBytes))) file.writeSync?.(sector, at)
  }
}

/** In words: which of the two things that can be wrong with a menu were. */
function changesOf(before: string, after: string): string {
  const fallbackOf = (text: string) => /^[ \t]*set[ \t]+fallback=["']?([^"'\s;#]*)/m.exec(text)?.[1]
  const uuids = (text: string) => (text.match(/\d{4}(?:-\d\d){6}/g) ?? []).join()
  const words = [
    ...(uuids(before) === uuids(after) ? [] : ['let its entries look for the partitions that are on this card']),
    ...(fallbackOf(before) === fallbackOf(after)
      ? []
      : [`let entry ${fallbackOf(after)} be tried when the usual one fails (it was ${fallbackOf(before)}, which does not exist)`]),
  ]
  return words.join('; ') || 'let its entries look for the partitions that are on this card'
}
