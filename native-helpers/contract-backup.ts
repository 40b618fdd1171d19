/**
 * Saving the writable part of a card as an archive on this computer. Nothing is ever written to the card.
 *
 * How it is meant: `backup.open` looks at a card once and keeps it open for reading; its `backupId` names it in all that follows, until `backup.close`, until the
 * channel closes, or until nothing was asked for half an hour. `backup.folder` answers a tree folder by folder, to choose from; `backup.estimate` tells what a choice comes to
 * (cheap after the first time: ask it whenever the choice changes); `backup.start` makes the archive, of which the event `backup` tells to everybody who asked
 * `backup.jobs`. The look may be closed while its archive is made: that goes on. One archive at a time is made of a look; another `backup.start` meanwhile is refused as `backup-busy`.
 *
 * Names are given as they are in the archive ("rw/etc/fstab"). One may hold lone surrogates for bytes that are no UTF-8: send it back exactly as it came, and show
 * it with `toWellFormed()`.
 */
import * as z from 'zod'
import { errorValue } from './contract-error.ts'

const bytes = z.number().int().nonnegative()

export const backupPart = z.object({
  /** Stable: rw, persistence, overlay, store, home, data, settings, log. What `what` names in a choice, and the top folder in the archive. */
  what: z.string(),
  /** For people: "Your changes". */
  title: z.string(),
  /** One sentence on what it is and is not, or null. */
  note: z.string().nullable(),
  /** Whether single files of it can be chosen; false for what is one file: a store, an encrypted volume. */
  canChoose: z.boolean(),
  /** What is saved when nobody chooses. */
  isDefault: z.boolean(),
  /** Why it cannot be saved as it is now, a sentence; null where it can. It is shown, and cannot be chosen. */
  problem: z.string().nullable(),
})
export type BackupPart = z.infer<typeof backupPart>

export const backupLook = z.object({
  backupId: z.string(),
  path: z.string(),
  /** For people: the drive's name, or the file's. */
  label: z.string(),
  system: z.object({ id: z.string(), name: z.string() }),
  parts: z.array(backupPart),
  /** The card has a kernel partition that can be saved with the changes, and should be: they do not fit another kernel. */
  hasKernel: z.boolean(),
  /** What is to be known before, a sentence each: that a volume of it is in use now. */
  notes: z.array(z.string()),
  /** "lampone-pi-2026-11-21.tar.zst" */
  suggestedName: z.string(),
})
export type BackupLook = z.infer<typeof backupLook>

export const backupEntry = z.object({
  name: z.string(),
  /** For `only`, and for `backup.folder` where it is a folder. */
  path: z.string(),
  /** `deleted`: a mark that a file of the system is gone. `other`: links, devices, pipes. */
  kind: z.enum(['folder', 'file', 'deleted', 'other']),
  /** Of a folder: of everything in it. */
  sizeBytes: bytes,
  files: bytes,
  /** Milliseconds since 1970. */
  modifiedAt: z.number(),
})
export type BackupEntry = z.infer<typeof backupEntry>

/** What shall be in the archive. */
export const backupChoice = z.object({
  /** Empty: the default parts. */
  what: z.array(z.string()).default([]),
  /** Files and folders by their paths in the archive, folders with all that is in them; empty: everything. */
  only: z.array(z.string()).default([]),
  withKernel: z.boolean().default(false),
  /** An earlier archive, or its manifest: only what differs from it is saved. */
  since: z.string().min(1).nullable().default(null),
})
export type BackupChoice = z.input<typeof backupChoice>

export const backupEstimate = z.object({
  files: bytes,
  /** Of content, holes left out: what is read from the card. A packed archive becomes smaller, by how much shows only then. */
  bytes,
  /** With `since`: files that are gone since then. */
  removed: bytes,
  /** Sockets and what is damaged, the first hundred. */
  left: z.array(z.object({ path: z.string(), why: z.string() })),
})
export type BackupEstimate = z.infer<typeof backupEstimate>

export const backupResult = z.object({
  path: z.string(),
  archiveBytes: bytes,
  files: bytes,
  bytes,
  /** How many entries could not be read whole; the first hundred of them stand in `left`, all of them in the archive. */
  unread: bytes,
  left: backupEstimate.shape.left,
})
export type BackupResult = z.infer<typeof backupResult>

/** Making an archive, while it is made and after. */
export const backupJob = z.object({
  id: z.string(),
  backupId: z.string(),
  label: z.string(),
  /** The card. */
  path: z.string(),
  /** The archive: there only when `state` is `done`; before, and after a failure or a cancel, there is nothing of that name. */
  file: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  doneBytes: bytes,
  totalBytes: bytes,
  doneFiles: bytes,
  totalFiles: bytes,
  /** Where it ended well, also with some files unread: then `unread` is above 0, and that must be said. */
  result: backupResult.nullable(),
  error: errorValue.nullable(),
})
export type BackupJob = z.infer<typeof backupJob>

export const backupRequests = {
  'backup.open': {
    params: z.object({ path: z.string().min(1), base: z.string().min(1).nullable().default(null) }),
    answer: backupLook,
  },
  /** What is in a folder, folders first; `folder` a part's `what`, or a path below it. `truncated`: there are more than the 5000 that are told. */
  'backup.folder': {
    params: z.object({ backupId: z.string(), folder: z.string().min(1) }),
    answer: z.object({ entries: z.array(backupEntry), truncated: z.boolean() }),
  },
  'backup.estimate': { params: backupChoice.extend({ backupId: z.string() }), answer: backupEstimate },
  /** `file`: a full path that ends in .tar, .tar.gz, .tgz, .tar.zst or .tzst; never over a file that is there, and not onto the card itself. */
  'backup.start': {
    params: backupChoice.extend({ backupId: z.string(), file: z.string().min(1) }),
    answer: z.object({ jobId: z.string() }),
  },
  /** What was written so far is removed. */
  'backup.cancel': { params: z.object({ jobId: z.string() }), answer: z.object({}) },
  'backup.close': { params: z.object({ backupId: z.string() }), answer: z.object({}) },
} as const
