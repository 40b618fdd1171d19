export type FileKind = 'file' | 'folder' | 'link' | 'char' | 'block' | 'fifo' | 'socket' | 'unknown'

/** EXT2_FT_…, by number (lib/ext2fs/ext2_fs.h). */
export const entryKinds: readonly FileKind[] = ['unknown', 'file', 'folder', 'char', 'block', 'fifo', 'socket', 'link']

/** The upper four bits of a mode (include/uapi/linux/stat.h). */
const modeOfKinds = {
  unknown: 0,
  fifo: 0o010000,
  char: 0o020000,
  folder: 0o040000,
  block: 0o060000,
  file: 0o100000,
  link: 0o120000,
  socket: 0o140000,
} as const satisfies Record<FileKind, number>

const kindOfModes = new Map<number, FileKind>(entryKinds.map((kind) => [modeOfKinds[kind], kind]))

export function kindOfMode(mode: number): FileKind {
  return kindOfModes.get(mode & 0o170000) ?? 'unknown'
}

export function modeOfKind(kind: FileKind): number {
  return modeOfKinds[kind]
}

export interface Entry {
  /** As names.ts says: bytes that are no UTF-8 are escaped. */
  name: string
  inode: number
  /** `unknown` on volumes whose folders do not tell; the attributes do. */
  kind: FileKind
}

export interface Time {
  /** Since 1970, from 1901 to 2446. */
  seconds: number
  nanoseconds: number
}

export interface Attributes {
  kind: FileKind
  /** Permissions with setuid, setgid and sticky, without the kind. */
  permissions: number
  uid: number
  gid: number
  links: number
  sizeBytes: number
  /** What it takes on the volume. */
  allocatedBytes: number
  /** EXT4_…_FL. */
  flags: number
  /** Of devices. */
  major: number
  minor: number
  accessed: Time
  modified: Time
  changed: Time
  /** Zero where the volume's inodes have no room for it. */
  created: Time
}

/** What can be set of them. What is not given stays as it is. */
export type NewAttributes = Partial<
  Pick<Attributes, 'permissions' | 'uid' | 'gid' | 'accessed' | 'modified' | 'changed' | 'created'>
>

/** EXT4_…_FL that change what reading gives. */
export const inodeFlags = { encrypted: 0x800, inlineData: 0x1000_0000 } as const

/** Bytes of a file, and where they stand on the device. */
export interface Run {
  offset: number
  place: number
  length: number
}

export interface VolumeFacts {
  blockBytes: number
  inodeBytes: number
  blocks: number
  freeBlocks: number
  inodes: number
  freeInodes: number
  compatible: number
  incompatible: number
  readOnlyCompatible: number
  state: number
  uuid: string
  label: string
  /** The journal holds changes that are not on their places yet: what is read here is older than what a kernel would show. */
  needsRecovery: boolean
}
