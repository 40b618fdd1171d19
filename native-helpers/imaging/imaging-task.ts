import type { DecodeTask } from './decode-task.ts'
import type { PieceTask } from './piece-task.ts'

/** What a thread of imaging can be asked to do, one after the other. */
export type ImagingTask = ({ kind: 'decode' } & DecodeTask) | ({ kind: 'pieces' } & PieceTask)
