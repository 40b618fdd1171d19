/** Changes of a card that are planned, agreed to, carried out through an undo file, and can be taken back. */
import * as z from 'zod'
import { errorValue } from './contract-error.ts'
import { report } from './contract-report.ts'

const bytes = z.number().int().nonnegative()

export const changeJob = z.enum(['repair', 'enlarge', 'reset', 'merge', 'convert', 'restore', 'customise'])
export type ChangeJobName = z.infer<typeof changeJob>

export const changeRequest = z.object({
  job: changeJob,
  /** A drive, an image file of a whole card, or one overlay file (whose image `base` names). */
  path: z.string().min(1),
  base: z.string().min(1).nullable().default(null),
  allowVirtual: z.boolean().default(false),
  /** repair: `kernel-from`, system or rw. enlarge: `to` in bytes, or "max"; `what` where there are several: overlay, home. reset: `keep`, paths, one a line; `drop`: home. convert: `size` in bytes. customise: `settings`, a JSON document of CardSettings. */
  options: z.record(z.string(), z.string()).default({}),
})

/** Something on a card that can be made larger, and how far. */
export const growing = z.object({
  /** Stable: what the option `what` of enlarge names. `partition`: the last one of a card whose system has no better word for it. */
  what: z.enum(['overlay', 'home', 'persistence', 'partition']),
  /** Which one: a path on the stick, or the partition. */
  name: z.string(),
  nowBytes: bytes,
  /** The smallest size that is worth it, and the largest that there is room for; below `leastBytes` where there is no room. */
  leastBytes: bytes,
  maxBytes: bytes,
  /** A size is rounded down to whole steps. */
  stepBytes: bytes,
  /** One step less where the number of steps divided by this leaves one: there the kernel loses count of a snapshot store. Null: any size will do. */
  trapEverySteps: z.number().int().positive().nullable(),
  /** What keeps it from growing further: the card's end, the partition table, the room on the stick, the longest file of a FAT, or nothing but caution. */
  limit: z.enum(['card', 'table', 'stick', 'fat-file', 'alone']),
  /** Why it cannot be made larger as it is, a sentence; null where it can. */
  problem: z.string().nullable(),
})
export type Growing = z.infer<typeof growing>

export const cardPlan = z.object({
  planId: z.string(),
  job: changeJob,
  target: z.object({ kind: z.enum(['drive', 'file']), path: z.string(), label: z.string(), sizeBytes: bytes }),
  /** A sentence each, in the order in which it is done. Empty: there is nothing to do. */
  steps: z.array(z.string()),
  keeps: z.array(z.string()),
  loses: z.array(z.string()),
  notes: z.array(z.string()),
  /** Volumes that will be unmounted first. */
  unmounts: z.array(z.string()),
  writeBytes: bytes,
  undoPath: z.string(),
})
export type CardPlan = z.infer<typeof cardPlan>

/** What an undo file would take back. */
export const undoPlan = z.object({
  planId: z.string(),
  /** Of the job: "Repair Samsung EVO 32 GB". */
  title: z.string(),
  createdAt: z.number(),
  file: z.string(),
  path: z.string(),
  /** `nothing`: the job never wrote to the card. `already`: it was taken back before. */
  state: z.enum(['nothing', 'already', 'ready']),
  keptBytes: bytes,
})
export type UndoPlanFacts = z.infer<typeof undoPlan>

export const undoFileFacts = undoPlan.omit({ planId: true }).extend({
  /** Null where the file can be read; else why not, and then the rest is empty. */
  problem: z.string().nullable(),
})
export type UndoFileFacts = z.infer<typeof undoFileFacts>

/** A change, or its taking-back, while it is carried out and after. It cannot be stopped: a half-changed card helps nobody. */
export const change = z.object({
  id: z.string(),
  job: z.enum([...changeJob.options, 'undo']),
  label: z.string(),
  path: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  doneBytes: bytes,
  totalBytes: bytes,
  /** By which it can be taken back; null for a taking-back. */
  undoPath: z.string().nullable(),
  /** Of the card as it is afterwards; null while it runs, and where it failed. */
  report: report.nullable(),
  error: errorValue.nullable(),
})
export type Change = z.infer<typeof change>
