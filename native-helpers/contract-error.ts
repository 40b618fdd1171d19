/** What went wrong, as a value that goes from the helper to an interface. */
import * as z from 'zod'

export const errorValue = z.object({
  kind: z.enum(['failed', 'usage', 'refused', 'data', 'privilege', 'differs', 'cancelled']),
  code: z.string(),
  message: z.string(),
  meaning: z.string(),
  next: z.string(),
})
export type ErrorValue = z.infer<typeof errorValue>
