import { lampone } from './lampone/index.ts'
import { liveos } from './liveos/index.ts'
import { mode } from './mode/index.ts'
import { rpiAb } from './rpi-ab/index.ts'
import type { System } from './system.ts'
import { tmpfsroot } from './tmpfsroot/index.ts'

/** The families in the order in which they are asked; the first that finds itself is taken. What has marks of its own comes before what goes by names. */
export const systems: readonly System[] = [tmpfsroot, rpiAb, lampone, liveos, mode]
