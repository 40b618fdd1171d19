import type { CompareTask } from './compare-task.ts'
import type { DecodeTask } from './decode-task.ts'

/** What a thread of imaging can be asked to do, one after the other. */
export type ImagingTask = ({ kind: 'decode' } & DecodeTask) | ({ kind: 'compare' } & CompareTask)
