import type { BackupResult } from '../../contract-backup.ts'
import { type Manifest, manifestPath, removedPath, unreadPath } from '../../systems/archive/manifest.ts'
import type { KernelBackup } from '../../systems/backup.ts'
import type { Card, Detection } from '../../systems/system.ts'
import { version } from '../../version.ts'
import { tarEnd, tarHeader, tarPadding } from '../../volumes/tar/writer.ts'
import { encodeName } from '../../wasm/names.ts'
import type { Chosen, ChosenPart } from './choice.ts'
import { otherCard } from './errors.ts'
import type { BackupItem } from './items.ts'
import { kernelItems } from './kernel-items.ts'
import { hasOwnSum, ManifestText } from './manifest-text.ts'
import { ArchiveFile } from './output.ts'
import { ownEntry, type Packed, packItem } from './pack.ts'
import type { EarlierBackup } from './since.ts'
import type { Packing } from './stored.ts'

export interface WriteOrder {
  card: Card
  detection: Detection
  chosen: Chosen
  /** Paths that were asked for. */
  only: readonly string[]
  /** Null where it shall not be saved, too. */
  kernel: KernelBackup | null
  since: EarlierBackup | null
  path: string
  packing: Packing
  /** Milliseconds since 1970. */
  madeAt: number
  /** Called between pieces; throws where it shall end. */
  tick(done: Packed, all: Totals): void
}

export interface Totals {
  files: number
  bytes: number
}

const leftTold = 100
/** So many small files are no more than a batch. */
const itemsBetween = 64

/** Writes an archive of what was chosen. Whatever is thrown, nothing of it stays. */
export async function writeArchive(order: WriteOrder): Promise<BackupResult> {
  const { chosen, kernel, since, path, packing, madeAt } = order
  const beside = kernel ? kernelItems(kernel, madeAt) : []
  const items = [...chosen.parts.map((part) => part.items), beside]
  const all = totalsOf(chosen, beside)
  const packed: Packed = {
    doneFiles: 0,
    doneBytes: 0,
    unread: chosen.gaps.map(({ path: at, why }) => ({ path: at, why, ranges: [] })),
  }
  const tick = () => order.tick(packed, all)
  const head = await headOf(order, (bytes) => {
    packed.doneBytes += bytes
    tick()
  })
  const text = new ManifestText(head, items)
  const member = (name: string, content: readonly Uint8Array[]) => ownMember(name, content, Math.floor(madeAt / 1000))
  const out = new ArchiveFile(path, packing, member(manifestPath, text.pieces))
  try {
    if (since)
      putAll(out, member(removedPath, [Buffer.concat(chosen.removed.flatMap((name) => [encodeName(name), Uint8Array.of(0)]))]))
    for (const [index, item] of storedOf(items)) {
      const packing = packItem(item, out, packed)
      let step = packing.next()
      for (; !step.done; step = packing.next()) await pause(out, tick)
      if (hasOwnSum(item)) text.fillNext(step.value)
      if (index % itemsBetween === 0) await pause(out, tick)
    }
    if (packed.unread.length > 0) putAll(out, member(unreadPath, [Buffer.from(JSON.stringify(packed.unread))]))
    out.put(tarEnd())
    const archiveBytes = await out.finish(member(manifestPath, text.pieces))
    const harmless = chosen.gaps.filter(({ isHarmless }) => isHarmless).length
    return {
      ...{ path, archiveBytes, files: all.files, bytes: all.bytes, unread: packed.unread.length - harmless },
      left: packed.unread.slice(0, leftTold).map(({ path: at, why }) => ({ path: at, why })),
    }
  } catch (thrown) {
    out.abandon()
    throw thrown
  }
}

async function pause(out: ArchiveFile, tick: () => void): Promise<void> {
  tick()
  if (out.isBehind) await out.settle()
}

function* storedOf(lists: readonly BackupItem[][]): Generator<[number, BackupItem]> {
  let index = 0
  for (const list of lists) {
    for (const item of list) {
      if (item.unchanged) continue
      index += 1
      yield [index, item]
    }
  }
}

function ownMember(name: string, content: readonly Uint8Array[], seconds: number): Uint8Array[] {
  const entry = ownEntry(
    name,
    content.reduce((sum, { length }) => sum + length, 0),
    seconds,
  )
  return [tarHeader(entry), ...content, tarPadding(entry)]
}

function putAll(out: ArchiveFile, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) out.put(piece)
}

/** What is read of images to tell them from others counts too. */
export function totalsOf({ parts, files, bytes }: Chosen, beside: readonly BackupItem[] = []): Totals {
  const ofBases = parts.reduce((sum, { part }) => sum + (part.baseBytes ?? 0), 0)
  const ofKernel = beside.filter(({ kind }) => kind === 'file')
  return {
    files: files + ofKernel.length,
    bytes: bytes + ofBases + ofKernel.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

async function headOf(order: WriteOrder, progress: (bytes: number) => void): Promise<Omit<Manifest, 'files'>> {
  const { card, detection, chosen, only, kernel, since, madeAt } = order
  const { id, name, generation } = detection
  return {
    format: 1,
    madeBy: `livecard ${version}`,
    madeAt,
    system: { id, name, generation },
    card: { kind: card.kind, sizeBytes: card.device?.size ?? null },
    volumes: card.volumes.map(({ number, identity, sizeBytes }) => ({
      partition: number,
      role: detection.roles.get(number) ?? null,
      ...{ fs: identity?.type ?? null, label: identity?.label ?? null, uuid: identity?.uuid ?? null, sizeBytes },
    })),
    kernels: await kernelsOf(detection),
    parts: chosen.parts.map((part) => partFacts(part, since?.manifest ?? null, progress)),
    kernel: kernel?.facts ?? null,
    only: [...only],
    since: since && { madeAt: since.manifest.madeAt, manifestSha256: since.sha256, removed: chosen.removed.length },
  }
}

/** A report that fails is no reason not to save the files. */
async function kernelsOf(detection: Detection): Promise<Manifest['kernels']> {
  try {
    const { kernels } = await detection.describe()
    return kernels.map(({ where, partition, version: release }) => ({ where, partition, version: release }))
  } catch {
    return []
  }
}

function partFacts(
  { part, items }: ChosenPart,
  since: Manifest | null,
  progress: (bytes: number) => void,
): Manifest['parts'][number] {
  const { what, form, origin } = part
  const base = part.base?.(progress) ?? null
  const before = since?.parts.find((one) => one.what === what)?.base
  if (before && base && (before.sha256 !== base.sha256 || before.isSampled !== base.isSampled))
    throw otherCard('it was made over another system image')
  const files = items.filter(({ kind }) => kind !== 'folder')
  const bytes = files.reduce((sum, { link, contentBytes }) => sum + (link === null ? contentBytes : 0), 0)
  return { what, folder: what, form, origin, base, files: files.length, bytes }
}
