import type { BlockDevice } from '../../block/device.ts'
import { readFields, u32 } from '../../volumes/fields.ts'
import { pieceOf } from '../../volumes/piece.ts'

/** struct locarhead and struct namehashent, locale/locarchive.h of glibc. */
const headFields = { magic: u32(0), namesAt: u32(8), namesSize: u32(16), textAt: u32(20), textBytes: u32(24) }
const headBytes = 56
const entryFields = { hash: u32(0), nameAt: u32(4), recordAt: u32(8) }
const entryBytes = 12
const magic = 0xde02_0109
/** All languages of glibc need a tenth of it. */
const mostTableBytes = 1024 * 1024

/** The names of the languages in glibc's locale-archive, which can be as large as all of them; none where it is damaged. */
export function archiveLocales(archive: BlockDevice): string[] {
  const head = readFields(headFields, pieceOf(archive, 0, headBytes) ?? new Uint8Array())
  const tableBytes = head.namesSize * entryBytes
  if (head.magic !== magic || tableBytes > mostTableBytes || head.textBytes > mostTableBytes) return []
  const table = pieceOf(archive, head.namesAt, tableBytes)
  const text = pieceOf(archive, head.textAt, head.textBytes)
  if (!table || !text) return []
  const names: string[] = []
  for (let at = 0; at < tableBytes; at += entryBytes) {
    const { nameAt, recordAt } = readFields(entryFields, table.subarray(at, at + entryBytes))
    const start = nameAt - head.textAt
    if (recordAt === 0 || start < 0 || start >= text.length) continue
    const end = text.indexOf(0, start)
    if (end > start) names.push(Buffer.from(text.subarray(start, end)).toString('latin1'))
  }
  return names.sort()
}
