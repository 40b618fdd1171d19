import { cachedDevice } from '../block/cached.ts'
import type { BlockDevice } from '../block/device.ts'
import { slice } from '../block/slice.ts'
import { LivecardError } from '../errors.ts'
import { identify } from '../volumes/identify.ts'
import { identifyIso9660 } from '../volumes/identify-iso9660.ts'
import type { Identity } from '../volumes/identity.ts'
import { openTree } from '../volumes/open-tree.ts'
import { type Parsed, type Problem, unusable } from '../volumes/problem.ts'
import type { VolumeTree } from '../volumes/tree.ts'
import { type Usage, volumeUsage } from '../volumes/usage.ts'
import { type CardTable, readCardTable, type TablePartition } from './card-table.ts'
import { openFolderTree } from './folder-tree.ts'
import type { Card, CardVolume } from './system.ts'

/** What is looked at. The devices stay their owner's to close; those that could write are not asked to. */
export type CardSource = DeviceSource | { kind: 'folder'; path: string }

/** A drive, or a file that stands for one: an image of a card, or one overlay by itself, which may come with its base. */
export interface DeviceSource {
  kind: 'drive' | 'file'
  path: string
  device: BlockDevice
  base?: BlockDevice | null
}

export interface OpenedCard extends Card {
  /** Bytes that were really read from the card so far, and from the base of an overlay; not those of a folder's files. */
  readonly bytesRead: number
  /** By performance.now(), when it began to be looked at. */
  readonly openedAt: number
  /** Closes what a folder keeps open. */
  close(): void
}

/** Looks at the table and names the volumes; what lies in them is read when it is asked for. Throws where the card itself cannot be read. */
export async function openCard(source: CardSource): Promise<OpenedCard> {
  return source.kind === 'folder' ? openFolder(source.path) : openDevice(source)
}

function openFolder(path: string): OpenedCard {
  const openedAt = performance.now()
  const folder = openFolderTree(path)
  return {
    kind: 'folder',
    path,
    device: null,
    table: { type: 'none', id: null, problems: [], unusedTail: 0 },
    sectorSize: 512,
    volumes: [],
    folder,
    folderUsage: folder.usage,
    base: null,
    bytesRead: 0,
    openedAt,
    close: folder.close,
  }
}

function openDevice({ kind, path, device: below, base: baseBelow = null }: DeviceSource): OpenedCard {
  const openedAt = performance.now()
  const device = cachedDevice(below)
  const base = baseBelow && cachedDevice(baseBelow)
  const table = readCardTable(device)
  const whole = wholeVolume(device, table)
  const volumes = [...(whole ? [whole] : []), ...table.partitions.map((partition) => partitionVolume(device, partition))]
  const isOverlay = kind === 'file' && (base !== null || whole?.identity?.type === 'DM_snapshot_cow')
  return {
    kind: kind === 'drive' ? 'drive' : isOverlay ? 'overlay' : 'image',
    path,
    device,
    table: {
      type: table.type,
      id: table.id,
      problems: whole ? meantForIso(table.problems) : table.problems,
      unusedTail: table.unusedTail,
    },
    sectorSize: table.sectorSize,
    volumes: volumes.sort((a, b) => a.number - b.number),
    folder: null,
    folderUsage: null,
    base,
    get bytesRead() {
      return device.bytesRead + (base?.bytesRead ?? 0)
    },
    openedAt,
    close() {},
  }
}

/** Number 0: what lies on the card without a table, or the ISO 9660 volume of a hybrid image, which has a table inside. */
function wholeVolume(device: BlockDevice, table: CardTable): CardVolume | null {
  if (table.type !== 'none' && !isoAround(device)) return null
  return volume(device, {
    number: 0,
    startBytes: 0,
    sizeBytes: device.size,
    type: null,
    partlabel: null,
    partuuid: null,
    attributes: null,
    active: null,
  })
}

function isoAround(device: BlockDevice): boolean {
  try {
    return identifyIso9660(device) !== null
  } catch (thrown) {
    problemOf(thrown)
    return false
  }
}

/** In a hybrid ISO the first partition is the image itself, table included, and the boot partition lies inside of it. */
function meantForIso(problems: readonly Problem[]): Problem[] {
  const meant = new Set(['mbr-covers-table', 'mbr-overlap', 'gpt-covers-table', 'gpt-overlap', 'gpt-outside'])
  return problems.filter(({ code }) => !meant.has(code))
}

function partitionVolume(card: BlockDevice, { extended, ...named }: TablePartition): CardVolume {
  const start = Math.min(named.startBytes, card.size)
  const device = slice(card, start, Math.min(named.sizeBytes, card.size - start))
  return volume(device, named, !extended)
}

type Named = Omit<CardVolume, 'device' | 'identity' | 'problem' | 'usage' | 'tree'>

function volume(device: BlockDevice, named: Named, holdsFilesystem = true): CardVolume {
  const { identity, problem } = holdsFilesystem ? identityOf(device) : { identity: null, problem: null }
  let usage: Usage | null | undefined
  let tree: Promise<Parsed<VolumeTree>> | null = null
  return {
    ...named,
    device,
    identity,
    problem,
    get usage() {
      usage ??= identity && usageOf(device, identity.type)
      return usage
    },
    tree() {
      tree ??= treeOf(device, identity)
      return tree
    },
  }
}

function identityOf(device: BlockDevice): { identity: Identity | null; problem: Problem | null } {
  try {
    const { volume: identity, problem } = identify(device)
    return { identity, problem }
  } catch (thrown) {
    return { identity: null, problem: problemOf(thrown) }
  }
}

function usageOf(device: BlockDevice, type: string): Usage | null {
  try {
    return volumeUsage(device, type)
  } catch (thrown) {
    problemOf(thrown)
    return null
  }
}

async function treeOf(device: BlockDevice, identity: Identity | null): Promise<Parsed<VolumeTree>> {
  if (!identity) return unusable('tree-unknown', 'there is no filesystem that is known')
  try {
    return await openTree(device, identity.type)
  } catch (thrown) {
    return { value: null, problem: problemOf(thrown) }
  }
}

/**
 * One bad place must not hide everything else, so that it becomes a problem of the volume it lies in; a drive that is gone is thrown on, since nothing else
 * can be read either.
 */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof LivecardError) {
    if (thrown.code === 'drive-vanished') throw thrown
    return { code: thrown.code, detail: clause(thrown.message) }
  }
  return { code: 'volume-unread', detail: clause(thrown instanceof Error ? thrown.message : String(thrown)) }
}

function clause(sentence: string): string {
  return sentence.replace(/\.$/, '')
}
