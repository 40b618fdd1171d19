/** What is fuzzed: every parser of `volumes/` with seeds of its own, and the whole report on a card with practice cards as seeds. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { report as reportSchema } from '../../native-helpers/contract-report.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { practiceCards } from '../../native-helpers/jobs/demo/index.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { readCardTable } from '../../native-helpers/systems/card-table.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { parseAutoboot } from '../../native-helpers/volumes/boot-config/autoboot.ts'
import { parseCmdline } from '../../native-helpers/volumes/boot-config/cmdline.ts'
import { parseGrubCfg } from '../../native-helpers/volumes/boot-config/grub-cfg.ts'
import { parseGrubenv } from '../../native-helpers/volumes/boot-config/grubenv.ts'
import { parseSyslinux } from '../../native-helpers/volumes/boot-config/syslinux.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { identify } from '../../native-helpers/volumes/identify.ts'
import { checkInitrd } from '../../native-helpers/volumes/initrd.ts'
import { kernelVersion } from '../../native-helpers/volumes/kernel-image.ts'
import { readLuksFacts } from '../../native-helpers/volumes/luks.ts'
import { openTree } from '../../native-helpers/volumes/open-tree.ts'
import { dmsetupStatus, readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { volumeUsage } from '../../native-helpers/volumes/usage.ts'
import { memoryDevice } from '../support/file-device.ts'
import { fuzzSeeds } from './seeds.ts'

export interface Seed {
  name: string
  device: BlockDevice
}

export interface FuzzTarget {
  name: string
  seeds: Seed[]
  /** Of all images, how large this target's part is, in parts of the sum. */
  weight: number
  /** Anything but a named error that comes out of it is a find. */
  read(device: BlockDevice): void | Promise<void>
}

const MiB = 1024 * 1024

/** Everything that is found in a volume and the ends of its files; only a named error may come of a damaged file. */
function readTree(tree: VolumeTree | null | undefined): void {
  if (!tree) return
  let entries = 0
  const piece = new Uint8Array(32 * 1024)
  walkTree(
    tree,
    (_path, node) => {
      entries += 1
      if (entries > 100) return
      node.extents()
      const device = node.kind === 'file' ? node.open().value : null
      if (!device) return
      const length = Math.min(piece.length, device.size)
      tolerate(() => device.readSync(piece.subarray(0, length), 0))
      if (device.size > length) tolerate(() => device.readSync(piece.subarray(0, length), device.size - length))
    },
    { maxEntries: 2000 },
  )
  findNode(tree, 'a/b/large')
  findNode(tree, 'link')
}

function tolerate(operation: () => void): void {
  try {
    operation()
  } catch (thrown) {
    if (!(thrown instanceof LivecardError)) throw thrown
  }
}

const text = (device: BlockDevice) => {
  const bytes = new Uint8Array(device.size)
  device.readSync(bytes, 0)
  return bytes
}

const readBy: Record<string, (device: BlockDevice) => void | Promise<void>> = {
  table: (device) => {
    readCardTable(device)
  },
  identity(device) {
    const { volume } = identify(device)
    if (volume) volumeUsage(device, volume.type)
    readLuksFacts(device)
  },
  fat(device) {
    const { value: fat } = openFat(device)
    fat?.table.countFree()
    readTree(fat)
  },
  ext(device) {
    readExtFacts(device)
    readTree(openExt(device).value?.tree)
  },
  journal(device) {
    const { value } = replayedInMemory(device)
    if (value) readTree(openExt(value.device).value?.tree)
  },
  store(device) {
    const { value: store } = readSnapshotStore(device, 16 * MiB)
    if (!store) return
    dmsetupStatus(store, 32768)
    const merged = mergedDevice(memoryDevice(new Uint8Array(MiB)), device, store.exceptions)
    tolerate(() => merged.readSync(new Uint8Array(MiB), 0))
  },
  async iso9660(device) {
    readTree((await openTree(device, 'iso9660')).value)
  },
  async erofs(device) {
    readTree((await openTree(device, 'erofs')).value)
  },
  async squashfs(device) {
    readTree((await openTree(device, 'squashfs')).value)
  },
  async kernel(device) {
    await kernelVersion(device)
  },
  async initrd(device) {
    await checkInitrd(device, { thorough: true })
  },
  config(device) {
    const bytes = text(device)
    const words = Buffer.from(bytes).toString('utf8')
    parseGrubCfg(words)
    parseGrubenv(bytes)
    parseAutoboot(bytes)
    parseSyslinux(words)
    parseCmdline(words)
  },
  async card(device) {
    const card = await openCard({ kind: 'file', path: 'card.img', device })
    const report = await readCard(card)
    card.close()
    reportSchema.parse(report)
    for (const { id, detail } of report.findings)
      if (isUnnamed(id, detail)) throw new Error(`a finding holds an unnamed error: ${id}: ${detail}`)
  },
}

/** What the report makes of an exception that no parser should have let through. */
function isUnnamed(id: string, detail: string): boolean {
  return /Cannot (read|convert|mix)|is not (a function|iterable|defined)|undefined|Invalid (array|typed)|out of (bounds|range)|do not lie within|ReadBeyondEnd|Maximum call stack|NaN/.test(
    `${id} ${detail}`,
  )
}

const weights: Record<string, number> = {
  table: 8,
  identity: 8,
  fat: 14,
  ext: 18,
  journal: 6,
  store: 8,
  iso9660: 12,
  erofs: 10,
  squashfs: 12,
  kernel: 4,
  initrd: 4,
  config: 10,
  card: 3,
}

/** `folder` holds the practice cards as sparse files, those that were made; samples are put into it. */
export async function fuzzTargets(folder: string, only: readonly string[] = []): Promise<FuzzTarget[]> {
  mkdirSync(folder, { recursive: true })
  const seeds = fuzzSeeds(folder)
  const targets: FuzzTarget[] = []
  for (const [name, read] of Object.entries(readBy)) {
    if (only.length > 0 && !only.includes(name)) continue
    const own =
      name === 'card' ? cards(folder) : (seeds[name] ?? []).map((seed) => ({ name: seed.name, device: memoryDevice(seed.bytes) }))
    if (own.length > 0) targets.push({ name, read, seeds: own, weight: weights[name] ?? 1 })
  }
  return targets
}

function cards(folder: string): Seed[] {
  return practiceCards
    .map(({ id }) => ({ name: id, path: join(folder, `${id}.img`) }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => ({ name, device: openFileDevice({ path, writable: false }) }))
}
