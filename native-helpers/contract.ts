/**
 * The contract: every request, answer and event between the interfaces and the helper. Types and validation derive from it;
 * a message that is not here does not exist. Sizes are bytes; times are milliseconds since 1970.
 */
// As a namespace: the bundler then leaves out what is not used, four fifths of it.
import * as z from 'zod'
import { archiveRequests } from './contract-archive.ts'
import { backupJobWith, backupRequests } from './contract-backup.ts'
import { cardPlan, changeRequest, changeWith, growing, undoFileFacts, undoPlan } from './contract-change.ts'
import { report, systemId } from './contract-report.ts'

export * from './contract-archive.ts'
export * from './contract-backup.ts'
export * from './contract-change.ts'
export * from './contract-report.ts'
export * from './contract-settings.ts'

export const contractVersion = 1

const bytes = z.number().int().nonnegative()

export const errorValue = z.object({
  kind: z.enum(['failed', 'usage', 'refused', 'data', 'privilege', 'differs', 'cancelled']),
  code: z.string(),
  message: z.string(),
  meaning: z.string(),
  next: z.string(),
})
export type ErrorValue = z.infer<typeof errorValue>

export const change = changeWith(errorValue)
export type Change = z.infer<typeof change>

export const backupJob = backupJobWith(errorValue)
export type BackupJob = z.infer<typeof backupJob>

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

export const browseEntry = z.object({
  name: z.string(),
  path: z.string(),
  kind: z.enum(['folder', 'image', 'other']),
  sizeBytes: bytes.nullable(),
  modifiedAt: z.number().nullable(),
})

/** A card that is to be read, and the ticket by which that is stopped. */
const askedCard = z.object({
  path: z.string().min(1),
  base: z.string().min(1).nullable().default(null),
  ticket: z.string().min(1).nullable().default(null),
})

/** Requests by name: what goes in, what comes out. */
export const requests = {
  hello: {
    params: z.object({}),
    answer: z.object({
      version: z.string(),
      contract: z.number(),
      platform: z.string(),
      runtime: z.string(),
      /** Drives can be opened without asking for a password. */
      privileged: z.boolean(),
    }),
  },
  'drives.list': { params: z.object({}), answer: z.array(drive) },
  /** Answers the list and sends `drives` whenever it changes, as long as the channel is open. */
  'drives.watch': { params: z.object({}), answer: z.array(drive) },
  'images.probe': { params: imageRef, answer: imageFacts },
  'images.browse': {
    params: z.object({ folder: z.string().nullable() }),
    answer: z.object({
      folder: z.string(),
      parent: z.string().nullable(),
      places: z.array(z.object({ name: z.string(), path: z.string() })),
      entries: z.array(browseEntry),
      truncated: z.boolean(),
    }),
  },
  /** What is on a drive, an image file, in a mounted folder or one overlay file (whose image `base` names). Never writes. `ticket`: what `cards.stop` names. */
  'cards.inspect': {
    params: askedCard,
    answer: report,
  },
  /** The report and the raw tables and superblocks as a .tar.gz at a full path; never over a file that is there. */
  'cards.bundle': {
    params: z.object({
      path: z.string().min(1),
      base: z.string().min(1).nullable().default(null),
      to: z.string().min(1),
      /** Whether the drive's serial number may be in it. */
      serials: z.boolean(),
    }),
    answer: z.object({ path: z.string(), sizeBytes: bytes }),
  },
  'cards.stop': { params: z.object({ ticket: z.string().min(1) }), answer: z.object({}) },
  /** Practice cards: files that behave like cards with something wrong. `problem`: why one cannot be made here. */
  'demo.list': {
    params: z.object({}),
    answer: z.array(
      z.object({
        id: z.string(),
        system: systemId,
        title: z.string(),
        ailment: z.string().nullable(),
        sizeBytes: bytes,
        problem: z.string().nullable(),
      }),
    ),
  },
  /** The folder is made where there is none; a card that is there already is left, and the new one gets a number in its name. */
  'demo.make': {
    params: z.object({ id: z.string().min(1), folder: z.string().min(1) }),
    answer: z.object({ path: z.string() }),
  },
  /** What on a card can be made larger, and how far; never empty. Only reads. `ticket`: what `changes.stop` names. */
  'changes.growing': { params: askedCard, answer: z.array(growing) },
  /** Makes up a change in memory; writes nothing. A plan lives for a quarter of an hour. `ticket`: what `changes.stop` names. */
  'changes.plan': { params: changeRequest.extend({ ticket: z.string().min(1).nullable().default(null) }), answer: cardPlan },
  'changes.stop': { params: z.object({ ticket: z.string().min(1) }), answer: z.object({}) },
  /** `confirmed` repeats the path that the user saw and said yes to; a plan starts once. */
  'changes.start': {
    params: z.object({ planId: z.string(), confirmed: z.string() }),
    answer: z.object({ changeId: z.string() }),
  },
  /** Answers the changes of this run and sends `change` for everything new about one, as long as the channel is open. */
  'changes.list': { params: z.object({}), answer: z.array(change) },
  /** The undo files in the usual place, the newest first. */
  'undo.list': { params: z.object({}), answer: z.array(undoFileFacts) },
  /** `path`: where the card is now; null where it was. */
  'undo.plan': {
    params: z.object({
      file: z.string().min(1),
      path: z.string().min(1).nullable().default(null),
      allowVirtual: z.boolean().default(false),
    }),
    answer: undoPlan,
  },
  'undo.start': {
    params: z.object({ planId: z.string(), confirmed: z.string() }),
    answer: z.object({ changeId: z.string() }),
  },
  /** Only a file of the usual place, and only by the user's wish. */
  'undo.remove': { params: z.object({ file: z.string().min(1) }), answer: z.object({}) },
  ...archiveRequests,
  ...backupRequests,
  /** Answers the archives of this run and sends `backup` for everything new about one, as long as the channel is open. */
  'backup.jobs': { params: z.object({}), answer: z.array(backupJob) },
  'flash.plan': { params: flashRequest, answer: flashPlan },
  /** `confirmed` repeats the drives that the user saw and said yes to; a plan starts once. */
  'flash.start': {
    params: z.object({ planId: z.string(), confirmed: z.array(identity) }),
    answer: z.object({ jobId: z.string() }),
  },
  'verify.start': { params: flashRequest, answer: z.object({ jobId: z.string() }) },
  /** Answers the jobs of this run and sends `job` for every change, as long as the channel is open. */
  'jobs.list': { params: z.object({}), answer: z.array(job) },
  'jobs.cancel': { params: z.object({ jobId: z.string() }), answer: z.object({}) },
  /** Ended jobs of earlier runs too, newest first, at most 200. */
  'history.list': { params: z.object({}), answer: z.array(job) },
} as const

/** Events by name. */
export const events = {
  drives: z.array(drive),
  job: job,
  change,
  backup: backupJob,
} as const

export type RequestName = keyof typeof requests
export type Params<N extends RequestName> = z.input<(typeof requests)[N]['params']>
export type Answer<N extends RequestName> = z.output<(typeof requests)[N]['answer']>
export type EventName = keyof typeof events
export type EventData<N extends EventName> = z.output<(typeof events)[N]>

const requestNames = Object.keys(requests) as [RequestName, ...RequestName[]]
const eventNames = Object.keys(events) as [EventName, ...EventName[]]

/** What travels: a call, its reply, or an event. `params`, `value` and `data` are validated by the schema of their name. */
export const callMessage = z.object({ id: z.number().int(), call: z.enum(requestNames), params: z.unknown() })
export const replyMessage = z.union([
  z.object({ id: z.number().int(), ok: z.literal(true), value: z.unknown() }),
  z.object({ id: z.number().int(), ok: z.literal(false), error: errorValue }),
])
export const eventMessage = z.object({ event: z.enum(eventNames), data: z.unknown() })
export const helperMessage = z.union([replyMessage, eventMessage])
export type CallMessage = z.infer<typeof callMessage>
export type ReplyMessage = z.infer<typeof replyMessage>
export type EventMessage = z.infer<typeof eventMessage>
export type HelperMessage = z.infer<typeof helperMessage>

/** Anything that carries messages both ways: a parent port, stdio, a WebSocket, Electron's bridge. */
export interface Channel {
  send(message: unknown): void
  /** Returns what ends the subscription. */
  onMessage(listener: (message: unknown) => void): () => void
  onClose(listener: (reason: string) => void): () => void
  close(): void
}
