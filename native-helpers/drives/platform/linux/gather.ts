import { readFile } from 'node:fs/promises'
import type { DriveFacts, Use, VolumeFacts } from '../../facts.ts'
import { type ListedDrive, listed } from '../listed.ts'
import { type Content, contents } from './contents.ts'
import { describe } from './describe.ts'
import { type Mount, parseMounts, parseSwaps } from './mounts.ts'
import { fileNumbers, within } from './numbers.ts'
import { type BlockNode, blockNodes, btrfsMembers } from './sysfs.ts'
import { pathsToLookUp, usesByDrive } from './usage.ts'

const listedWaitMs = 5000

/** Every whole block device with all that is known of it. */
export async function gather(): Promise<DriveFacts[]> {
  const nodes = await blockNodes()
  const [content, known, mounts, swaps, btrfs] = await Promise.all([
    contents(nodes),
    fromDrivelist(),
    currentMounts(),
    readFile('/proc/swaps', 'utf8').then(parseSwaps, () => []),
    btrfsMembers(),
  ])
  const zfs = [...nodes.values()].filter((node) => content.get(node.name)?.fs === 'zfs_member').map((node) => node.number)
  const files = await fileNumbers(pathsToLookUp(nodes, mounts, swaps))
  const uses = usesByDrive({ nodes, mounts, swaps, btrfs, zfs, fileNumbers: files })
  const whole = [...nodes.values()].filter((node) => node.parent === null).sort(byName)
  return Promise.all(whole.map((node) => factsOf(node, { nodes, content, known, uses: uses.get(node.number) ?? [], mounts })))
}

export async function currentMounts(): Promise<Mount[]> {
  return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'))
}

/** What drivelist adds on Linux: whether a drive can be unplugged, and its bus where the device tree does not show it. It leaves loop devices out. */
async function fromDrivelist(): Promise<Map<string, ListedDrive>> {
  const drives = await within(listedWaitMs, listed()).catch(() => null)
  return new Map((drives ?? []).map((drive) => [drive.raw, drive]))
}

interface Surroundings {
  nodes: Map<string, BlockNode>
  content: Map<string, Content>
  known: Map<string, ListedDrive>
  uses: Use[]
  mounts: Mount[]
}

async function factsOf(node: BlockNode, { nodes, content, known, uses, mounts }: Surroundings): Promise<DriveFacts> {
  const described = await describe(node)
  const second = known.get(node.path)
  const volumes = [...nodes.values()].filter((other) => other.parent === node.number).sort(byName)
  const bus = described.bus === 'other' && second && second.busType !== 'UNKNOWN' ? second.busType.toLowerCase() : described.bus
  return {
    path: node.path,
    kind: described.kind,
    deviceNumber: node.number,
    attachment: node.sequence,
    serial: described.serial,
    sizeBytes: node.sizeBytes,
    vendor: described.vendor,
    model: described.model,
    bus,
    removable: described.removable || (described.kind === 'disk' && second?.isRemovable === true),
    readOnly: node.readOnly,
    sectorSize: node.sectorSize,
    isCard: described.isCard,
    // Not taken from drivelist, to which every disk that cannot be unplugged is a system disk; what is mounted tells.
    isSystem: false,
    volumes: volumes.map((volume) => volumeOf(volume, content, mounts)),
    whole: { ...volumeContent(node, content), mounts: mountsOf(node, mounts) },
    uses,
  }
}

function volumeOf(node: BlockNode, content: Map<string, Content>, mounts: Mount[]): VolumeFacts {
  return { path: node.path, sizeBytes: node.sizeBytes, ...volumeContent(node, content), mounts: mountsOf(node, mounts) }
}

function volumeContent(node: BlockNode, content: Map<string, Content>): Content {
  return content.get(node.name) ?? { fs: null, label: null }
}

/** btrfs hides its device behind a number of its own and shows it as the source. */
export function mountsOf(node: BlockNode, mounts: Mount[]): string[] {
  return mounts
    .filter((mount) => mount.number === node.number || (mount.number.startsWith('0:') && mount.source === node.path))
    .map(({ at }) => at)
}

function byName(a: BlockNode, b: BlockNode): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true })
}
