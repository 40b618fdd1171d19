import { lampone } from './lampone/index.ts'
import { liveos } from './liveos/index.ts'
import type { System } from './system.ts'

/** The families in the order in which they are asked; the first that finds itself is taken. */
export const systems: readonly System[] = [lampone, liveos]
