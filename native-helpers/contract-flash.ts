/** Drives, images, and the jobs that write the ones to the others or compare them. */
import * as z from 'zod'
import { errorValue } from './contract-error.ts'
import { systemId } from './contract-report.ts'

const bytes = z.number().int().nonnegative()

/** Why a drive may not be written. `virtual` alone is lifted by `allowVirtual`. */
export const refusal = z.object({
  code: z.enum(['system', 'mounted-system', 'swap', 'holder', 'virtual', 'read-only', 'empty', 'unknown']),
  reason: z.string(),
})
export type Refusal = z.infer<typeof refusal>

/** What the user confirmed and what is checked again after the exclusive open. */
export const identity = z.object({ path: z.string(), serial: z.string().nullable(), sizeBytes: bytes })
export type Identity = z.infer<typeof identity>

export const drivePartition = z.object({
  path: z.string(),
  sizeBytes: bytes,
  label: z.string().nullable(),
  fs: z.string().nullable(),
  mounts: z.array(z.string()),
})

export const drive = z.object({
  identity,
  /** For people: maker, model and size, as on the label. */
  name: z.string(),
  vendor: z.string().nullable(),
  model: z.string().nullable(),
  bus: z.string(),
  removable: z.boolean(),
  readOnly: z.boolean(),
  virtual: z.boolean(),
  sectorSize: z.number().int().positive(),
  picture: z.enum(['card', 'stick', 'disk', 'virtual']),
  partitions: z.array(drivePartition),
  /** A filesystem on the whole drive, without a partition table. */
  whole: z.object({ label: z.string().nullable(), fs: z.string().nullable(), mounts: z.array(z.string()) }),
  /** Empty means: may be written. */
  refusals: z.array(refusal),
})
export type Drive = z.infer<typeof drive>

/** A file path or an http(s) URL; `member` names one file of a zip that holds several images. */
export const imageRef = z.object({ location: z.string().min(1), member: z.string().optional() })
export type ImageRef = z.infer<typeof imageRef>

export const imageFormat = z.enum(['raw', 'gzip', 'bzip2', 'xz', 'zstd', 'zip'])
export type ImageFormat = z.infer<typeof imageFormat>

/** A sum that somebody published. `of`: of the file as it lies there, or of the image that comes out of it. */
export const publishedSum = z.object({
  algorithm: z.enum(['sha256', 'md5']),
  value: z.string(),
  of: z.enum(['file', 'content', 'either']),
  /** Where it was found: a sidecar's name, or "given". */
  from: z.string(),
})
export type PublishedSum = z.infer<typeof publishedSum>

/** An image of a system that Livecard can do more with, as its partition table has it. */
export const knownImage = z.object({
  system: systemId,
  name: z.string(),
  /** Where its last partition ends. */
  endBytes: bytes,
  /** What a card should have at least; null where nothing is said. */
  leastCardBytes: bytes.nullable(),
})
export type KnownImage = z.infer<typeof knownImage>

export const imageFacts = z.object({
  ref: imageRef,
  name: z.string(),
  format: imageFormat,
  /** Length of the file or download; null when a server does not say. */
  storedBytes: bytes.nullable(),
  /** Length of the image once decoded; null when the format does not tell. */
  contentBytes: bytes.nullable(),
  /** The candidates of a zip with several images; a `member` must be chosen. */
  members: z.array(z.object({ name: z.string(), sizeBytes: bytes })),
  sums: z.array(publishedSum),
  /** Where a .bmap was found beside the image. */
  bmap: z.string().nullable(),
  /** What the first sectors of the image show: "MBR, 2 partitions", "GPT, 3 partitions", "ISO 9660", …; null when unknown. */
  shows: z.string().nullable(),
  known: knownImage.optional(),
})
export type ImageFacts = z.infer<typeof imageFacts>

export const target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('drive'), identity }),
  /** A card image file: created sparse with `sizeBytes`, or written in place when it exists and `sizeBytes` is null. */
  z.object({ kind: z.literal('file'), path: z.string().min(1), sizeBytes: bytes.nullable() }),
])
export type Target = z.infer<typeof target>

export const flashOptions = z.object({
  sha256: z.string().nullable().default(null),
  md5: z.string().nullable().default(null),
  /** A .bmap's path; null takes the one beside the image, "none" none. */
  bmap: z.string().nullable().default(null),
  skipUnused: z.boolean().default(false),
  verify: z.boolean().default(true),
  allowVirtual: z.boolean().default(false),
})
export type FlashOptions = z.infer<typeof flashOptions>

export const flashRequest = z.object({ image: imageRef, targets: z.array(target).min(1), options: flashOptions })
export type FlashRequest = z.infer<typeof flashRequest>

/** A sentence of a plan: `text` is its English; a translation goes by `code`, which keeps its meaning, and `values`. */
function sentence<const C extends string, V extends z.ZodRawShape>(code: C, values: V) {
  return z.object({ code: z.literal(code), text: z.string(), values: z.object(values) })
}

const named = { name: z.string() }

export const planStep = z.discriminatedUnion('code', [
  /** The mount points, separated by commas. */
  sentence('unmount', { mounts: z.string() }),
  sentence('mark-unfinished', {}),
  sentence('write', {
    image: z.string(),
    packed: z.boolean(),
    targets: z.number(),
    leftOut: z.enum(['nothing', 'bmap', 'unused']),
  }),
  sentence('check-sum', {}),
  sentence('read-back', {}),
  sentence('finish', {}),
  sentence('finish-compared', {}),
])
export type PlanStep = z.infer<typeof planStep>

export const planWarning = z.discriminatedUnion('code', [
  sentence('no-sum', { image: z.string() }),
  sentence('no-sum-network', { image: z.string() }),
  sentence('http', {}),
  sentence('no-read-back', {}),
  sentence('size-unknown', {}),
  sentence('not-a-disk', {}),
  sentence('virtual', {}),
  sentence('large-drive', { ...named, sizeBytes: bytes }),
  /** A card that the system is not made for: it would have hardly any room for changes. */
  sentence('small-card', { ...named, sizeBytes: bytes, system: z.string(), leastBytes: bytes }),
])
export type PlanWarning = z.infer<typeof planWarning>

/** Something that will be gone; not a whole sentence, so that it can stand in a list. A name or `fs` that is empty: it has none. */
export const planLoss = z.discriminatedUnion('code', [
  sentence('volume', { ...named, fs: z.string(), sizeBytes: bytes }),
  sentence('card-image', { ...named, sizeBytes: bytes }),
])
export type PlanLoss = z.infer<typeof planLoss>

export const planTarget = z.object({
  target,
  label: z.string(),
  sizeBytes: bytes,
  /** What will be gone: volumes by label and size. */
  loses: z.array(planLoss),
  /** Volumes that will be unmounted first. */
  unmounts: z.array(z.string()),
})
export type PlanTarget = z.infer<typeof planTarget>

export const flashPlan = z.object({
  planId: z.string(),
  image: imageFacts,
  options: flashOptions,
  targets: z.array(planTarget),
  steps: z.array(planStep),
  warnings: z.array(planWarning),
})
export type FlashPlan = z.infer<typeof flashPlan>

export const jobCheck = z.object({
  /** Stable: sum-file-sha256, sum-content-md5, bmap, identity, read-back … */
  id: z.string(),
  label: z.string(),
  value: z.string().nullable(),
  state: z.enum(['pending', 'ok', 'differs', 'skipped']),
})
export type JobCheck = z.infer<typeof jobCheck>

export const phase = z.enum(['preparing', 'writing', 'flushing', 'verifying', 'finishing', 'ended'])
export type Phase = z.infer<typeof phase>

export const jobTarget = z.object({
  label: z.string(),
  path: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  writtenBytes: bytes,
  verifiedBytes: bytes,
  error: errorValue.nullable(),
  /** What makes sense now with the system that was written. */
  next: z.array(z.enum(['enlarge', 'customise'])).optional(),
})
export type JobTarget = z.infer<typeof jobTarget>

export const jobProgress = z.object({
  phase,
  doneBytes: bytes,
  /** Null while the length of the image is not known. */
  totalBytes: bytes.nullable(),
  /** 0 … 1 over the whole job, writing and reading back; 1 only after everything was flushed and compared. */
  fraction: z.number().min(0).max(1).nullable(),
  bytesPerSecond: z.number().nonnegative(),
  averageBytesPerSecond: z.number().nonnegative(),
  secondsLeft: z.number().nonnegative().nullable(),
  limitedBy: z.enum(['source', 'decoding', 'card']).nullable(),
  skippedBytes: bytes,
  /** The speed curve of the phase that runs: at most 200 points of [done bytes, bytes per second]. */
  curve: z.array(z.tuple([z.number(), z.number()])).max(200),
})
export type JobProgress = z.infer<typeof jobProgress>

export const job = z.object({
  id: z.string(),
  kind: z.enum(['flash', 'verify']),
  imageName: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  targets: z.array(jobTarget),
  checks: z.array(jobCheck),
  progress: jobProgress,
  /** Why the whole job failed; a target's own failure stands with the target. */
  error: errorValue.nullable(),
})
export type Job = z.infer<typeof job>
