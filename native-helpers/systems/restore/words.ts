import { decimalSize } from '../../decimal-size.ts'
import type { ArchivePart, Manifest } from '../archive/manifest.ts'
import type { ChangeWords } from '../change.ts'
import type { RoomNeed, TreeSize } from './room.ts'
import type { RestoreSpot } from './spot.ts'

/** What is put back into one spot. */
export interface Surveyed {
  spot: RestoreSpot
  part: ArchivePart | null
  /** Of its volume, as `stateOf` tells it. */
  state: string
  members: number
  /** Null where it is carried out instead of planned, and for a file that is put back as a whole. */
  need: RoomNeed | null
  /** What was changed goes, and what was delivered stays. */
  isAsDelivered: boolean
  /** What is there now, and goes. */
  before: TreeSize | null
  /** Of a file that is put back as a whole: what is written. */
  fileBytes: number
  since: Manifest['since']
  /** What is there stays, but for what is put over it. */
  merges: boolean
}

export function tellSpot(words: ChangeWords, { merges, spot, members, need, before, since, isAsDelivered }: Surveyed): void {
  if (!need) return
  const what = `${members} ${members === 1 ? 'file or folder' : 'files and folders'} (${decimalSize(need.contentBytes)})`
  if (merges) {
    words.steps.push(`Put ${what} of the archive back into ${spot.title}, over what is there.`)
    words.keeps.push(`All other files of ${spot.title}.`)
    return
  }
  if (since) {
    words.steps.push(`Put ${what} back into ${spot.title} that were new or changed, and remove what was gone when it was saved.`)
    words.loses.push(`What was changed in ${spot.title} since then.`)
  } else {
    if (isAsDelivered) {
      words.steps.push(`Begin ${spot.title} anew, over the system as it was delivered.`)
      words.loses.push(`What is in ${spot.title} now. It becomes as it was saved.`)
    } else if (before && before.inodes > 0) {
      words.steps.push(`Empty ${spot.title}: ${before.inodes} files and folders (${decimalSize(before.bytes)}).`)
      words.loses.push(`What is in ${spot.title} now. It becomes as it was saved.`)
    }
    words.steps.push(`Put ${what} back into ${spot.title}.`)
  }
  for (const path of spot.cleared) words.steps.push(`Empty "${path}", which the system fills anew.`)
  for (const name of spot.kept) words.keeps.push(`"${name}", unless the archive has one.`)
}

export function tellArchive(
  words: ChangeWords,
  manifest: Manifest | null,
  { leftOut, ignored, unread }: { leftOut: readonly string[]; ignored: readonly string[]; unread: number },
): void {
  if (manifest) {
    const when = new Date(manifest.madeAt).toISOString().slice(0, 16).replace('T', ' ')
    words.notes.push(
      `The archive was saved on ${when} UTC from a card with ${manifest.system.name}. All of it is there, with the sums that it had.`,
    )
  } else {
    words.notes.push(
      'Nothing is known of where this archive comes from: it has no list of Livecard. Its form was checked; whether its files are as they were saved cannot be told.',
    )
  }
  if (unread > 0)
    words.notes.push(
      `${unread} ${unread === 1 ? 'entry was' : 'entries were'} not whole on the card when it was saved, and ${unread === 1 ? 'is' : 'are'} not whole now.`,
    )
  if (leftOut.length > 0) words.notes.push(`Left out of the archive: ${leftOut.map((what) => `"${what}"`).join(', ')}.`)
  if (ignored.length > 0) words.notes.push(`Attributes that cannot be carried over: ${ignored.join(', ')}.`)
}
