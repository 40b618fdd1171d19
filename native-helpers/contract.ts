/**
 * The contract: every request, answer and event between the interfaces and the helper. Types and validation derive from it;
 * a message that is not here does not exist. Sizes are bytes; times are milliseconds since 1970.
 */
// As a namespace: the bundler then leaves out what is not used, four fifths of it.
import * as z from 'zod'
import { archiveRequests } from './contract-archive.ts'
import { backupJob, backupRequests } from './contract-backup.ts'
import { cardPlan, change, changeRequest, growing, undoFileFacts, undoPlan } from './contract-change.ts'
import { errorValue } from './contract-error.ts'
import { drive, flashPlan, flashRequest, identity, imageFacts, imageRef, job } from './contract-flash.ts'
import { report, systemId } from './contract-report.ts'

export * from './contract-archive.ts'
export * from './contract-backup.ts'
export * from './contract-change.ts'
export * from './contract-error.ts'
export * from './contract-flash.ts'
export * from './contract-report.ts'
export * from './contract-settings.ts'

export const contractVersion = 1

const bytes = z.number().int().nonnegative()

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
