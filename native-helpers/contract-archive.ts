/**
 * Looking into an archive before it is put back: what was saved, and from where. Nothing is written. `archive.open` reads its list, or, of one that somebody else
 * made, goes through all of it; its `archiveId` names it until `archive.close`, until the channel closes, or until nothing was asked for half an hour.
 * The paths that it answers are those of the option `only` of a restore.
 */
import * as z from 'zod'
import { backupEntry } from './contract-backup.ts'

const bytes = z.number().int().nonnegative()

export const archiveLook = z.object({
  archiveId: z.string(),
  file: z.string(),
  archiveBytes: bytes,
  /** From its own list; null for an archive that Livecard has not made. */
  saved: z
    .object({
      /** Milliseconds since 1970. */
      madeAt: z.number(),
      system: z.object({ id: z.string(), name: z.string() }),
      /** Versions of the kernels that were on the card. */
      kernels: z.array(z.string()),
      /** The kernel partition is in it. */
      hasKernel: z.boolean(),
      /** It holds what differs from an earlier archive, which has to be put back before it. */
      isIncremental: z.boolean(),
    })
    .nullable(),
  /** What stands at its top: its parts, by their folders. */
  roots: z.array(backupEntry),
})
export type ArchiveLook = z.infer<typeof archiveLook>

export const archiveRequests = {
  /** `ticket`: what `changes.stop` names. */
  'archive.open': {
    params: z.object({ file: z.string().min(1), ticket: z.string().min(1).nullable().default(null) }),
    answer: archiveLook,
  },
  /** What is in a folder, folders first. `truncated`: there are more than the 5000 that are told. */
  'archive.folder': {
    params: z.object({ archiveId: z.string(), folder: z.string().min(1) }),
    answer: z.object({ entries: z.array(backupEntry), truncated: z.boolean() }),
  },
  'archive.close': { params: z.object({ archiveId: z.string() }), answer: z.object({}) },
} as const
