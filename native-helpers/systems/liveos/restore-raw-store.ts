import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { paddedDevice } from '../../block/padded.ts'
import type { StagedDevice } from '../../block/staged.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { areaChunk, isMetadataChunk } from '../../volumes/snapshot-exceptions.ts'
import { readSnapshotStore, type SnapshotStore, storeSectorBytes, usedStoreBytes } from '../../volumes/snapshot-store.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import type { ArchivePart } from '../archive/manifest.ts'
import { memberRefused } from '../archive/member-rules.ts'
import type { ChangeDraft } from '../change.ts'
import { nothingFits } from '../restore/placing.ts'
import { noRoom } from '../restore/room.ts'
import type { OpenedFile, RestoreSpot } from '../restore/spot.ts'
import { impossible } from '../restore/volume.ts'
import { type Below, begunAnew, checkBase, nothing } from './restore-store.ts'
import type { StoreFile } from './store-file.ts'

const pieceBytes = 1024 * 1024
/** What of the beginning tells one store from another. */
const headerReach = 4096

/**
 * A store block by block, as it was saved; over the image alone that it was saved over. A file that is shorter grows where it lies, one that is longer keeps its
 * length, which only gives the system more room. While copies and list are written, no kernel takes the store; its header comes last.
 */
export function rawStoreSpot(file: StoreFile, below: Below | null, isAlone: boolean): RestoreSpot {
  const title = `your changes block by block (${file.name})`
  const problem = below?.image.origin ? null : 'the system image that it lies over is not at hand; --base names it'
  return {
    ...{ what: 'store', title, forms: ['store'], insteadOf: 'overlay', folder: '', cleared: [], kept: [], appliesMarks: false },
    problem,
    open(draft, { part }) {
      const origin = below?.image.origin?.device
      if (!below || !origin) throw impossible(title, problem ?? 'there is no system image')
      checkWholeBase(part)
      checkBase(part, below)
      draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(file.device.size, headerReach) })
      return new RawStore({ file, originBytes: origin.size, draft, title, isAlone })
    },
  }
}

interface Work {
  file: StoreFile
  originBytes: number
  draft: ChangeDraft
  title: string
  isAlone: boolean
}

interface SavedStore {
  stage: StagedDevice
  sizeBytes: number
  store: SnapshotStore
  usedBytes: number
}

class RawStore implements OpenedFile {
  readonly #work: Work
  #saved: SavedStore | null = null
  readonly state: string

  constructor(work: Work) {
    this.#work = work
    this.state = stateOfStore(work.file)
  }

  take(member: ArchiveMember): void {
    const { kind, path, sizeBytes } = member.entry
    if (kind === 'folder' && path === '') return
    if (kind !== 'file' || this.#saved) throw memberRefused(path, 'a saved store is one file')
    const { file, draft, originBytes, title } = this.#work
    if (sizeBytes > Math.max(file.maxBytes, file.device.size))
      throw noRoom(
        'restore-no-room',
        `${title} was saved with a length of ${decimalSize(sizeBytes)}, and there is room for ${decimalSize(file.maxBytes)}.`,
      )
    // As it will lie there: behind what was saved there are zeros, in which the kernel looks for the end of the list.
    const stage = draft.stage(paddedDevice(nothing, Math.max(sizeBytes, file.device.size)))
    stageStore(member, stage, draft.purpose === 'plan')
    const { value: store, problem } = readSnapshotStore(stage, originBytes)
    if (!store || store.exceptions.cut) throw unusableStore(problem?.detail ?? 'its list is longer than any that is looked at')
    this.#saved = { stage, sizeBytes, store, usedBytes: Math.min(usedStoreBytes(store), stage.size) }
  }

  end(): number {
    if (!this.#saved) throw nothingFits('the file of the store is not in it; an earlier archive that it goes on from may have it')
    tell(this.#work, this.#saved)
    if (this.#work.draft.purpose === 'apply') write(this.#work, this.#saved)
    this.#saved.stage.close()
    return this.#saved.usedBytes
  }
}

/** For a plan only the header and the list count; the copies need not be held back. */
function stageStore({ content }: ArchiveMember, stage: StagedDevice, listOnly: boolean): void {
  let chunkBytes: number | null = null
  for (const { offset, bytes } of content()) {
    if (!listOnly || chunkBytes === null) stage.writeSync(bytes, offset)
    else
      for (let at = offset; at < offset + bytes.length; ) {
        const chunk = Math.floor(at / chunkBytes)
        const end = Math.min(offset + bytes.length, (chunk + 1) * chunkBytes)
        if (isMetadataChunk(chunkBytes, chunk)) stage.writeSync(bytes.subarray(at - offset, end - offset), at)
        at = end
      }
    if (chunkBytes !== null || offset + bytes.length < storeSectorBytes) continue
    const { value, problem } = readSnapshotStore(stage)
    if (!value) throw unusableStore(problem.detail)
    chunkBytes = value.chunkBytes
  }
}

function write({ file, draft, isAlone }: Work, { stage, sizeBytes, store, usedBytes }: SavedStore): void {
  const { chunkBytes, chunkSectors } = store
  const { device } = begunAnew(file, { sizeBytes, chunkSectors, isAlone }, draft)
  copy(stage, device, chunkBytes, usedBytes, 'copies')
  file.settle?.()
  draft.endGroup()
  copy(stage, device, chunkBytes, usedBytes, 'list')
  file.settle?.()
  draft.endGroupAsIs()
  copy(stage, device, chunkBytes, usedBytes, 'head')
  file.settle?.()
  draft.endGroup()
}

/** Everything up to the end of what is used: also the zeros of a chunk count, which an archive has as holes. */
function copy(from: BlockDevice, to: BlockDevice, chunkBytes: number, usedBytes: number, which: 'copies' | 'list' | 'head'): void {
  const kindOf = (chunk: number) => (chunk === 0 ? 'head' : isMetadataChunk(chunkBytes, chunk) ? 'list' : 'copies')
  for (let at = 0; at < usedBytes; ) {
    const chunk = Math.floor(at / chunkBytes)
    const end = Math.min(usedBytes, at + pieceBytes, (chunk + 1) * chunkBytes)
    if (kindOf(chunk) === which) {
      const piece = new Uint8Array(end - at)
      from.readSync(piece, at)
      to.writeSync?.(piece, at)
    }
    at = end
  }
}

function tell({ file, draft }: Work, { sizeBytes, store, usedBytes }: SavedStore): void {
  const { name, device } = file
  if (sizeBytes > device.size)
    draft.steps.push(`${name}: make it longer, from ${decimalSize(device.size)} to ${decimalSize(sizeBytes)}.`)
  if (sizeBytes < device.size)
    draft.notes.push(`${name} stays ${decimalSize(device.size)} long; it had ${decimalSize(sizeBytes)} when it was saved.`)
  const { valid, exceptions } = store
  draft.steps.push(
    `${name}: write it block by block as it was saved, ${exceptions.count} changed blocks (${decimalSize(usedBytes)}).`,
  )
  draft.loses.push(`What is in ${name} now. It becomes as it was saved.`)
  draft.keeps.push('The system image, the boot menus, and everything else on the stick.')
  if (!valid || exceptions.damageCount > 0)
    draft.notes.push('It was damaged or marked invalid when it was saved, and is so again. "livecard repair" can help with that.')
}

/** By which another use of a store is noticed: its header, and its list, which every copy adds to. */
function stateOfStore({ device, startBytes }: StoreFile): string {
  const hash = createHash('sha256').update(JSON.stringify([device.size, startBytes]))
  const { value: store } = readSnapshotStore(device)
  const chunkBytes = store?.chunkBytes ?? headerReach
  const areas = store ? store.exceptions.currentArea + 1 : 0
  for (const at of [0, ...Array.from({ length: areas }, (_, area) => areaChunk(chunkBytes, area) * chunkBytes)]) {
    // The list of a damaged one may lead behind its end.
    const lengthBytes = Math.min(at === 0 ? headerReach : chunkBytes, pieceBytes, device.size - at)
    if (lengthBytes <= 0) continue
    const piece = new Uint8Array(lengthBytes)
    device.readSync(piece, at)
    hash.update(piece)
  }
  return hash.digest('hex')
}

/** Its blocks would be laid into another image without a word. */
function checkWholeBase(part: ArchivePart | null): void {
  if (part?.base && !part.base.isSampled) return
  throw new LivecardError('refused', 'restore-base-unknown', {
    message: 'It is not known over which system image the store in this archive lay: there is no sum of the whole of it.',
    meaning: 'Nothing was changed: over another image its blocks would make a system that never was.',
    next: 'Take an archive that "livecard backup --what store" has made.',
  })
}

function unusableStore(how: string): LivecardError {
  return new LivecardError('data', 'restore-store-unusable', {
    message: `The store in the archive cannot be put back: ${how}.`,
    meaning: 'Nothing was changed.',
    next: 'Take another archive.',
  })
}
