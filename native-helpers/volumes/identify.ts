import type { BlockDevice } from '../block/device.ts'
import { identifyIso9660 } from './identify-iso9660.ts'
import {
  identifyBtrfs,
  identifyErofs,
  identifyExt,
  identifyF2fs,
  identifyLuks,
  identifySnapshotStore,
  identifySquashfs,
  identifySwap,
  identifyXfs,
} from './identify-linux.ts'
import { identifyExfat, identifyFat, identifyNtfs } from './identify-microsoft.ts'
import type { Identity } from './identity.ts'
import { pieceUpTo } from './piece.ts'
import type { Problem } from './problem.ts'

interface Probe {
  find(device: BlockDevice): Identity | null
  /** What comes after is not asked: the rest is cipher text, or old. */
  last?: true
  /** May share a volume with another one: an ISO that is also something else is made so on purpose. */
  tolerant?: true
}

/** In the order in which libblkid asks (libblkid/src/superblocks/superblocks.c), which decides between two on a small volume. */
const probes: Probe[] = [
  { find: identifySnapshotStore },
  { find: identifyLuks, last: true },
  { find: identifyFat },
  { find: identifySwap },
  { find: identifyXfs },
  { find: identifyExt },
  { find: identifyIso9660, tolerant: true },
  { find: identifyNtfs },
  { find: identifySquashfs },
  { find: identifyBtrfs },
  { find: identifyExfat },
  { find: identifyF2fs },
  { find: identifyErofs },
]
/** libblkid does not look into what is this small, and takes the first answer for what is no larger than a floppy disk. */
const minBytes = 1024
const floppyBytes = 1440 * 1024
/** Where all marks but those of second LUKS headers lie. */
const headBytes = 128 * 1024

export type Identified = { volume: Identity; problem: null } | { volume: null; problem: Problem | null }

/** What blkid(8) would say of a volume. Nothing without a problem: it is of no known kind, or empty. */
export function identify(device: BlockDevice): Identified {
  if (device.size <= minBytes) return { volume: null, problem: null }
  const near = withHead(device)
  const found: Identity[] = []
  let intolerant = 0
  for (const { find, last, tolerant } of probes) {
    const identity = find(near)
    if (!identity) continue
    if (device.size <= floppyBytes) return { volume: identity, problem: null }
    found.push(identity)
    if (last) break
    if (!tolerant) intolerant += 1
  }
  const [first, ...others] = found
  if (!first) return { volume: null, problem: null }
  if (others.length > 0 && intolerant > 0) {
    const names = found.map(({ type }) => type).join(' and ')
    return { volume: null, problem: { code: 'volume-ambiguous', detail: `it carries the marks of ${names}` } }
  }
  return { volume: first, problem: null }
}

/** The same device with its start in memory, for many small looks at it. */
function withHead(device: BlockDevice): BlockDevice {
  const head = pieceUpTo(device, 0, headBytes) ?? new Uint8Array()
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      if (offset + into.length <= head.length) into.set(head.subarray(offset, offset + into.length))
      else device.readSync(into, offset)
    },
  }
}
