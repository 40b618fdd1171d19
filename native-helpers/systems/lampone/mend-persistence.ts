import { openExt } from '../../volumes/ext-tree.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { performSync, tuneVolume } from '../../wasm/ext-programs.ts'
import type { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { textOf } from '../linux-root.ts'
import { changeExt } from '../reset-folders.ts'
import { persistenceLabel } from './layout.ts'
import type { Look } from './look.ts'
import { confPath, maxConfBytes, withEverythingKept } from './persistence-conf.ts'

/** Gives the partition for changes the name that the system looks for, and the file that switches saving on. True where something was to be done. */
export function mendPersistence({ persistence, description }: Look, draft: ChangeDraft, context: ChangeContext): boolean {
  if (persistence?.state !== 'open') return false
  const { volume } = persistence
  const found = new Set(description.findings.filter(({ partition }) => partition === volume.number).map(({ id }) => id))
  const needsName = found.has('persistence-label')
  const needsConf = found.has('persistence-conf-missing') || found.has('persistence-conf-partial')
  if ((!needsName && !needsConf) || !hasModules()) return false
  const { startBytes } = volume
  const part = draft.part(startBytes, volume.device.size)
  if (needsName) {
    performSync(tuneVolume(['-L', persistenceLabel], context), part)
    draft.steps.push(`Partition ${volume.number}: give it the name "${persistenceLabel}", by which the system finds it.`)
  }
  draft.endGroup()
  if (needsConf) {
    const { value: ext } = openExt(part)
    const text = (ext && textOf(ext.tree, confPath, maxConfBytes)) ?? ''
    const place = { name: `Partition ${volume.number}`, device: part, startBytes, inOnePiece: true as const }
    changeExt(place, draft, context, (writer) => writeConf(writer, withEverythingKept(text)))
    draft.steps.push(`${place.name}: write "/ union" into ${confPath}, so that the whole system is saved.`)
  }
  return true
}

function writeConf(writer: ExtWriter, text: string): void {
  const there = writer.lookup(rootInode, confPath)
  const inode = there ?? writer.makeFile(rootInode, confPath, { kind: 'file' })
  if (there === null) writer.setAttributes(inode, { permissions: 0o644 })
  writer.setSize(inode, 0)
  writer.write(inode, 0, Buffer.from(text))
}
