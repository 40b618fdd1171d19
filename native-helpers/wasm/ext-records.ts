/** The answers of ext-files.wasm as values, and attributes as it takes them. Every field is at the place that build/wasm/ext-files.h gives it. */
import { type Attributes, type Entry, entryKinds, kindOfMode, type Run, type Time, type VolumeFacts } from './ext-types.ts'
import { decodeName } from './names.ts'

/** struct attributes. */
const attributeFields = {
  mode: 0,
  uid: 4,
  gid: 8,
  links: 12,
  size: 16,
  sectors: 24,
  flags: 32,
  major: 36,
  minor: 40,
  accessed: 48,
  modified: 56,
  changed: 64,
  created: 72,
  accessedNs: 80,
  modifiedNs: 84,
  changedNs: 88,
  createdNs: 92,
} as const
export const attributeBytes = 96

function long(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true))
}

export function readAttributes(view: DataView): Attributes {
  const at = attributeFields
  const int = (offset: number) => view.getUint32(offset, true)
  const time = (seconds: number, nanoseconds: number): Time => ({
    seconds: Number(view.getBigInt64(seconds, true)),
    nanoseconds: int(nanoseconds),
  })
  const mode = int(at.mode)
  return {
    kind: kindOfMode(mode),
    permissions: mode & 0o7777,
    uid: int(at.uid),
    gid: int(at.gid),
    links: int(at.links),
    sizeBytes: long(view, at.size),
    allocatedBytes: long(view, at.sectors) * 512,
    flags: int(at.flags),
    major: int(at.major),
    minor: int(at.minor),
    accessed: time(at.accessed, at.accessedNs),
    modified: time(at.modified, at.modifiedNs),
    changed: time(at.changed, at.changedNs),
    created: time(at.created, at.createdNs),
  }
}

export function writeAttributes(bytes: Uint8Array, attributes: Attributes): void {
  const at = attributeFields
  const view = new DataView(bytes.buffer, bytes.byteOffset, attributeBytes)
  bytes.fill(0)
  view.setUint32(at.mode, attributes.permissions, true)
  view.setUint32(at.uid, attributes.uid, true)
  view.setUint32(at.gid, attributes.gid, true)
  const time = (seconds: number, nanoseconds: number, value: Time) => {
    view.setBigInt64(seconds, BigInt(value.seconds), true)
    view.setUint32(nanoseconds, value.nanoseconds, true)
  }
  time(at.accessed, at.accessedNs, attributes.accessed)
  time(at.modified, at.modifiedNs, attributes.modified)
  time(at.changed, at.changedNs, attributes.changed)
  time(at.created, at.createdNs, attributes.created)
}

function part(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length)
}

export function readEntries(view: DataView): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < view.byteLength; ) {
    const length = view.getUint8(at + 5)
    entries.push({
      inode: view.getUint32(at, true),
      kind: entryKinds[view.getUint8(at + 4)] ?? 'unknown',
      name: decodeName(part(view, at + 6, length)),
    })
    at += 6 + length
  }
  return entries
}

export function readRuns(view: DataView): Run[] {
  const runs: Run[] = []
  for (let at = 0; at + 24 <= view.byteLength; at += 24)
    runs.push({ offset: long(view, at), place: long(view, at + 8), length: long(view, at + 16) })
  return runs
}

/** include/uapi/linux/posix_acl_xattr.h: a version, then per entry its kind, permissions and whom it is for. */
const aclEntry = { start: 4, bytes: 8, id: 4, user: 0x02, group: 0x08, nobody: 0xffff_ffff } as const

/** Entries for nobody in particular carry 0 from the library and -1 from the kernel. */
function asKernel(acl: Uint8Array): void {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.byteLength)
  for (let at = aclEntry.start; at + aclEntry.bytes <= acl.length; at += aclEntry.bytes) {
    const kind = view.getUint16(at, true)
    if (kind !== aclEntry.user && kind !== aclEntry.group) view.setUint32(at + aclEntry.id, aclEntry.nobody, true)
  }
}

export function readXattrs(view: DataView): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (let at = 0; at < view.byteLength; ) {
    const nameLength = view.getUint8(at)
    const name = decodeName(part(view, at + 1, nameLength))
    at += 1 + nameLength
    const length = view.getUint32(at, true)
    const value = part(view, at + 4, length).slice()
    if (name.startsWith('system.posix_acl_')) asKernel(value)
    xattrs.set(name, value)
    at += 4 + length
  }
  return xattrs
}

/** EXT3_FEATURE_INCOMPAT_RECOVER */
const recoverFeature = 0x4

export function readFacts(view: DataView): VolumeFacts {
  const int = (at: number) => view.getUint32(at, true)
  const hex = Buffer.from(part(view, 48, 16)).toString('hex')
  const label = part(view, 64, 16)
  const end = label.indexOf(0)
  return {
    blockBytes: int(0),
    inodeBytes: int(4),
    blocks: long(view, 8),
    freeBlocks: long(view, 16),
    inodes: int(24),
    freeInodes: int(28),
    compatible: int(32),
    incompatible: int(36),
    readOnlyCompatible: int(40),
    state: int(44),
    uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    label: decodeName(end < 0 ? label : label.subarray(0, end)),
    needsRecovery: (int(36) & recoverFeature) !== 0,
  }
}
