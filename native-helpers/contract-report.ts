/**
 * What `inspect` answers: the report on a card, as the screen, the terminal and scripts see it. Format 1; new fields may come, none is renamed.
 * Sizes are bytes unless the name says sectors (512 bytes).
 */
import * as z from 'zod'

export const reportFormat = 1

const bytes = z.number().int().nonnegative()

export const systemId = z.enum(['lampone', 'liveng', 'liveos', 'mode', 'rpi-ab', 'tmpfsroot'])
export type SystemId = z.infer<typeof systemId>

/** The jobs that can help with a finding. */
export const remedy = z.enum([
  'repair',
  'enlarge',
  'backup',
  'restore',
  'reset',
  'merge',
  'switch',
  'modules',
  'customise',
  'flash',
])
export type Remedy = z.infer<typeof remedy>

/** What can be done with a card as it is. */
export const cardJob = z.enum(['repair', 'enlarge', 'backup', 'restore', 'reset', 'merge', 'convert', 'customise'])
export type CardJob = z.infer<typeof cardJob>

export const severity = z.enum(['info', 'warning', 'error'])
export type Severity = z.infer<typeof severity>

export const finding = z.object({
  /** Stable and documented, for scripts. */
  id: z.string(),
  severity,
  /** What is so, in one sentence. */
  title: z.string(),
  /** What was seen, with numbers and names. */
  detail: z.string(),
  /** What that means for the data and the next start. */
  meaning: z.string(),
  remedy: remedy.nullable(),
  /** Where it was seen; null for the card as a whole. */
  partition: z.number().int().nullable(),
})
export type Finding = z.infer<typeof finding>

export const reportPartition = z.object({
  number: z.number().int().nonnegative(),
  start: bytes,
  size: bytes,
  /** GPT: the type GUID; MBR: two hexadecimal digits; null for a filesystem on the whole target. */
  type: z.string().nullable(),
  partlabel: z.string().nullable(),
  partuuid: z.string().nullable(),
  /** TYPE, LABEL and UUID as blkid(8) prints them. */
  fs: z.string().nullable(),
  label: z.string().nullable(),
  uuid: z.string().nullable(),
  used: bytes.nullable(),
  /** What the system uses it for, in the user's words: "system", "kernel", "persistence", "slot a" …; null where no system is known. */
  role: z.string().nullable(),
})
export type ReportPartition = z.infer<typeof reportPartition>

export const reportKernel = z.object({
  where: z.enum(['system', 'kernel', 'slot-a', 'slot-b', 'root-a', 'root-b', 'boot', 'module']),
  partition: z.number().int().nullable(),
  version: z.string().nullable(),
  path: z.string(),
  /** It is what the boot menu starts by itself; null where that cannot be told. */
  starts: z.boolean().nullable(),
  /** Whether the modules of this version lie where the started system looks for them. */
  modules: z.enum(['present', 'missing', 'unknown']),
})
export type ReportKernel = z.infer<typeof reportKernel>

/** Which parts of the origin a snapshot has copies of: equal cells over the origin, in its order. */
export const snapshotMap = z.object({
  originBytes: bytes,
  cellBytes: bytes,
  /** 0 … 1 for each cell: how much of it is overlaid. At most 2048 cells. */
  cells: z.array(z.number().min(0).max(1)).max(2048),
})
export type SnapshotMap = z.infer<typeof snapshotMap>

export const reportSnapshot = z.object({
  valid: z.union([z.literal(0), z.literal(1)]),
  version: z.number(),
  chunkSectors: z.number(),
  exceptions: z.number(),
  allocatedSectors: z.number(),
  totalSectors: z.number(),
  metadataSectors: z.number(),
  /** Null where the origin is not known (an overlay alone, without its base). */
  originSectors: z.number().nullable(),
  /** The line that `dmsetup status` would print; null without the origin's length. */
  dmsetupStatus: z.string().nullable(),
  capacityChunks: z.number(),
  freeChunks: z.number(),
  trapSize: z.boolean(),
  damagedAreas: z.number(),
  map: snapshotMap.nullable(),
})
export type ReportSnapshot = z.infer<typeof reportSnapshot>

export const reportOverlay = z.object({
  path: z.string(),
  /** The partition that it lies in; null in a folder, and for an overlay that was given alone. */
  partition: z.number().int().nullable(),
  kind: z.enum(['dm-snapshot', 'overlayfs-image', 'overlayfs-dir', 'ext4-rw']),
  state: z.enum(['ok', 'nearly-full', 'full', 'invalid', 'damaged', 'unusable']),
  usedBytes: bytes,
  totalBytes: bytes,
  snapshot: reportSnapshot.nullable(),
  /** The filesystem that the running system sees, after its journal was carried out in memory. */
  filesystem: z
    .object({ type: z.string(), clean: z.boolean(), needsRecovery: z.boolean(), usedBytes: bytes, totalBytes: bytes })
    .nullable(),
})
export type ReportOverlay = z.infer<typeof reportOverlay>

/** A thing that can fill up. */
export const reportRoom = z.object({
  /** Stable: "overlay", "home", "persistence", "stick", "slot-a", "memory" … */
  id: z.string(),
  /** In the user's words. */
  title: z.string(),
  usedBytes: bytes,
  totalBytes: bytes,
  /** What "used" means here, where it is not plain: chunks never come back, for one. */
  note: z.string().nullable(),
})
export type ReportRoom = z.infer<typeof reportRoom>

/** One of several roots that can start. */
export const reportSlot = z.object({
  id: z.string(),
  title: z.string(),
  /** The next start takes it; null where that cannot be told. */
  starts: z.boolean().nullable(),
  bootable: z.boolean(),
  /** PRETTY_NAME of its os-release. */
  release: z.string().nullable(),
})
export type ReportSlot = z.infer<typeof reportSlot>

export const report = z.object({
  format: z.literal(reportFormat),
  target: z.object({
    kind: z.enum(['drive', 'image', 'folder', 'overlay']),
    path: z.string(),
    /** Null for a folder. */
    size: bytes.nullable(),
    sectorSize: z.number().int().positive(),
  }),
  table: z.object({
    type: z.enum(['gpt', 'mbr', 'none']),
    id: z.string().nullable(),
    problems: z.array(z.string()),
    /** Bytes behind the last partition that a partition could still take. */
    unusedTail: bytes,
  }),
  partitions: z.array(reportPartition),
  system: z.object({ id: systemId, name: z.string(), generation: z.string().nullable(), evidence: z.array(z.string()) }).nullable(),
  kernels: z.array(reportKernel),
  overlays: z.array(reportOverlay),
  rooms: z.array(reportRoom),
  slots: z.array(reportSlot),
  findings: z.array(finding),
  jobs: z.array(cardJob),
  /** What else is worth knowing, for the details: versions, UUIDs that the boot menu names … */
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  reading: z.object({ bytesRead: bytes, milliseconds: z.number().nonnegative() }),
})
export type Report = z.infer<typeof report>
