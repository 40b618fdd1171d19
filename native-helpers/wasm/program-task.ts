import type { DeviceSpec } from '../block/spec.ts'
import type { ErrorValue } from '../contract.ts'
import type { CheckProgress } from './output.ts'
import type { ProgramResult, ProgramRun } from './program.ts'

/** What the thread of one run gets. */
export interface ProgramTask {
  run: ProgramRun
  device: DeviceSpec | null
}

/** What it says. It ends with `ended` or `failed`. */
export type ProgramMessage =
  | { output: { stream: 'out' | 'err'; text: string } }
  | { progress: CheckProgress }
  | { ended: { result: ProgramResult; outcome: unknown } }
  | { failed: ErrorValue }
