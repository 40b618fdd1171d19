import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { replayedInMemory } from '../../volumes/ext-replay.ts'
import { openExt } from '../../volumes/ext-tree.ts'
import { identify } from '../../volumes/identify.ts'
import type { Identity } from '../../volumes/identity.ts'
import { readSnapshotStore, type SnapshotStore, usedStoreBytes } from '../../volumes/snapshot-store.ts'
import { childNamed, findNode, type TreeNode } from '../../volumes/tree.ts'
import {
  type Backup,
  type BackupMember,
  type Backups,
  type MountedRoot,
  membersAsMounted,
  rootAsMounted,
  soleFile,
} from '../backup.ts'
import { problemOf } from '../card.ts'
import type { Card } from '../system.ts'
import { identityOfBase } from './base-identity.ts'
import { changedBytes, changedMembers } from './changed-files.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { type LivePlace, pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { upperName } from './overlay-folders.ts'

/** The image that changes lie over, as it is on the stick and opened. */
interface Below {
  path: string | null
  device: BlockDevice
  image: LiveImage
}

type Origin = Backup['origin']

/** What was changed of each live system on a stick, and its home. */
export function backupsOfLive(card: Card, live: LiveSystem): Backups {
  const parts: Backup[] = []
  if (live.alone) {
    const { device, image } = live.alone
    const below = card.base && image?.value ? { path: null, device: card.base, image: image.value } : null
    parts.push(...ofOverlayFile(device, originOf(0, '', null), below))
  }
  const main = live.folders.find(({ image }) => image !== null) ?? null
  for (const folder of live.folders) parts.push(...ofFolder(folder, folder.image ? folder : main))
  return { parts: numbered(parts), kernel: null }
}

function ofFolder(folder: OpenedFolder, owner: OpenedFolder | null): Backup[] {
  const below = belowOf(owner)
  const parts: Backup[] = []
  const { overlays, home, place } = folder
  for (const node of home ? [...overlays, home] : overlays) {
    const path = pathIn(folder, node.name)
    const origin = originOf(place.partition, path, place.identity)
    const { file, top, why } = asMounted(place, path, node)
    if (file) parts.push(...(node === home ? [homePart(file, origin)] : ofOverlayFile(file, origin, below)))
    else if (top) parts.push(upperPart(origin, top, why))
    else parts.push({ ...(node === home ? homeWords : changesWords), form: 'upper', problem: why, origin, *members() {} })
  }
  return parts
}

function belowOf(owner: OpenedFolder | null): Below | null {
  const image = owner?.opened?.value
  const { value: device } = owner?.image?.open() ?? { value: null }
  if (!owner?.image || !image || !device) return null
  return { path: pathIn(owner, owner.image.name), device, image }
}

interface OnStick {
  file: BlockDevice | null
  top: { mounted: MountedRoot; node: TreeNode } | null
  why: string | null
}

/** A file or folder of the stick as a system finds it that mounts the stick, whose own journal may wait. */
function asMounted({ volume, identity, tree }: LivePlace, path: string, listed: TreeNode): OnStick {
  const isExt = identity?.type.startsWith('ext') ?? false
  const { value: mounted, problem } = volume && isExt ? rootAsMounted(volume.device) : { value: null, problem: null }
  if (problem) return { file: null, top: null, why: problem.detail }
  const node = mounted ? findNode({ ...tree, root: mounted.root }, path) : listed
  if (node?.kind === 'file') {
    const { value: file, problem: unopened } = node.open()
    return { file, top: null, why: unopened?.detail ?? null }
  }
  if (node?.kind === 'directory' && mounted) return { file: null, top: { mounted, node }, why: null }
  const host = volume ? `${identity?.type ?? 'its filesystem'} keeps` : 'a mounted folder shows'
  return { file: null, top: null, why: `${host} neither owners nor overlay marks${volume ? '' : ': name the drive instead'}` }
}

const changesWords = {
  what: 'overlay',
  title: 'Your changes',
  note: 'Every file that differs from the system image, with marks for what was deleted.',
  isDefault: true,
}
const homeWords = { what: 'home', title: 'Home', note: null, isDefault: true }

function upperPart(origin: Origin, { mounted, node }: NonNullable<OnStick['top']>, why: string | null): Backup {
  return { ...changesWords, form: 'upper', problem: why, origin, members: () => membersAsMounted(mounted, node) }
}

function ofOverlayFile(device: BlockDevice, origin: Origin, below: Below | null): Backup[] {
  const { volume: identity } = identify(device)
  if (!identity || identity.type === 'DM_snapshot_cow') return ofStore(device, origin, below)
  const inside = { ...origin, fs: identity.type, label: identity.label, uuid: identity.uuid }
  const { value: mounted, problem } = rootAsMounted(device)
  const node = mounted && childNamed({ root: mounted.root, foldsCase: false }, mounted.root, upperName)
  if (mounted && node?.kind === 'directory') return [upperPart(inside, { mounted, node }, null)]
  const why = problem?.detail ?? `there is no folder "${upperName}" in it`
  return [{ ...changesWords, form: 'upper', problem: why, origin: inside, *members() {} }]
}

function ofStore(device: BlockDevice, origin: Origin, below: Below | null): Backup[] {
  const originBytes = below?.image.origin?.device.size ?? null
  const { value: store, problem } = readSnapshotStore(device, originBytes)
  const why = problem?.detail ?? noBase(below)
  const changes = store && below ? changesOf(device, store, below) : null
  const broken = why ?? (typeof changes === 'string' ? changes : null)
  const ofBase = (sampled: boolean): Pick<Backup, 'base'> =>
    below ? { base: (progress) => identityOfBase(below.device, below.path, below.image, { sampled, progress }) } : {}
  return [
    {
      ...{ ...changesWords, form: 'changes', isDefault: broken === null, problem: broken, origin, ...ofBase(true) },
      *members() {
        if (changes && typeof changes !== 'string') yield* changes()
      },
    },
    {
      ...{ what: 'store', title: 'The overlay as it is', form: 'store', isDefault: broken !== null, origin, ...ofBase(false) },
      note: 'Block by block, without its unused end: worth something only together with exactly this system image.',
      problem: why,
      ...(below && { baseBytes: below.device.size }),
      members: () => soleFile(nameOf(origin.path), device, store ? usedStoreBytes(store) : null),
    },
  ]
}

function noBase(below: Below | null): string | null {
  if (!below) return 'the system image that it lies over is not at hand, or cannot be read'
  return below.image.origin ? null : 'the system image has no filesystem inside that a store could lie over'
}

/** What differs, to be told one by one; or why that cannot be found out. */
function changesOf(device: BlockDevice, { exceptions }: SnapshotStore, { image }: Below): (() => Generator<BackupMember>) | string {
  const { origin } = image
  if (!origin) return 'there is nothing to compare with'
  try {
    const { value: before, problem: unread } = openExt(origin.device)
    if (!before) return `the system image: ${unread.detail}`
    const merged = mergedDevice(origin.device, device, exceptions)
    const { value: replayed, problem: noJournal } = replayedInMemory(merged)
    const { value: now, problem } = openExt(replayed?.device ?? merged)
    if (!now) return problem.detail
    if (now.facts.uuid !== before.facts.uuid) return 'it belongs to another system image'
    const waiting = replayed && replayed.blocks > 0 ? { blockBytes: now.facts.blockBytes, blocks: replayed.targets } : null
    const failed = noJournal ?? replayed.problems[0]
    return function* () {
      if (failed) yield { path: '', node: null, why: `the last changes may be missing: ${failed.detail}` }
      yield* changedMembers({ before, now, isChanged: changedBytes(exceptions, waiting) })
    }
  } catch (thrown) {
    return problemOf(thrown).detail
  }
}

function homePart(device: BlockDevice, origin: Origin): Backup {
  const { volume: identity, problem: unknown } = identify(device)
  const inside = { ...origin, fs: identity?.type ?? null, label: identity?.label ?? null, uuid: identity?.uuid ?? null }
  if (identity?.type === 'crypto_LUKS') {
    const note = 'It is encrypted, and saved as it is: its files cannot be seen without the passphrase.'
    return { ...homeWords, note, form: 'container', problem: null, origin: inside, members: () => soleFile('home.img', device) }
  }
  const { value: mounted, problem } = rootAsMounted(device)
  return {
    ...{ ...homeWords, form: 'tree', problem: mounted ? null : ((unknown ?? problem)?.detail ?? null), origin: inside },
    *members() {
      if (mounted) yield* membersAsMounted(mounted)
    },
  }
}

function originOf(partition: number | null, path: string, identity: Identity | null): Origin {
  return { partition, path, fs: identity?.type ?? null, label: identity?.label ?? null, uuid: identity?.uuid ?? null }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || 'overlay'
}

/** Sticks with several systems: "overlay", "overlay-2". */
function numbered(parts: Backup[]): Backup[] {
  const seen = new Map<string, number>()
  return parts.map((part) => {
    const count = (seen.get(part.what) ?? 0) + 1
    seen.set(part.what, count)
    return count === 1 ? part : { ...part, what: `${part.what}-${count}` }
  })
}
