import type { FlashPlan, FlashRequest, Identity, Job } from '../contract.ts'

/** What the interfaces may ask of the jobs; one instance per process. */
export interface JobRunner {
  /** Looks at the image and every target; throws a LivecardError when one cannot be written. Writes nothing. */
  planFlash(request: FlashRequest, signal?: AbortSignal): Promise<FlashPlan>
  /** Starts a plan once, with the identities that the user confirmed; throws `plan-unknown` or `drive-changed`. */
  startFlash(planId: string, confirmed: Identity[]): string
  startVerify(request: FlashRequest): Promise<string>
  list(): Job[]
  /** The finished job, however it ended. Never rejects for a failure of the job. */
  ended(jobId: string): Promise<Job>
  cancel(jobId: string): void
  history(): Promise<Job[]>
  /** A snapshot at most ten times a second per job, and always the last one. Returns what ends the subscription. */
  onJob(listener: (job: Job) => void): () => void
  /** Cancels what runs and waits for it. */
  close(): Promise<void>
}
