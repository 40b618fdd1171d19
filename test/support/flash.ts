import type { TestContext } from 'node:test'
import { type FlashOptions, type FlashPlan, flashOptions, type Job, type Target } from '../../native-helpers/contract.ts'
import { findDrive } from '../../native-helpers/drives/find.ts'
import type { JobRunner } from '../../native-helpers/jobs/job-runner.ts'
import { createJobRunner } from '../../native-helpers/jobs/runner.ts'
import { testFolder } from './tools.ts'

/** A runner with a history of its own, closed with the test. */
export function testRunner(t: TestContext): JobRunner {
  const runner = createJobRunner({ stateFolder: testFolder(t) })
  t.after(() => runner.close())
  return runner
}

export async function driveTarget(path: string): Promise<Target> {
  return { kind: 'drive', identity: (await findDrive(path)).identity }
}

/** Virtual drives are allowed, as these tests have no others. */
export function testOptions(options: Partial<FlashOptions> = {}): FlashOptions {
  return { ...flashOptions.parse({}), allowVirtual: true, ...options }
}

export function startPlan(runner: JobRunner, plan: FlashPlan): string {
  const identities = plan.targets.flatMap(({ target }) => (target.kind === 'drive' ? [target.identity] : []))
  return runner.startFlash(plan.planId, identities)
}

/** Plans, confirms and waits for the end. */
export async function flash(
  runner: JobRunner,
  location: string,
  targets: Target[],
  options: Partial<FlashOptions> = {},
): Promise<Job> {
  const plan = await runner.planFlash({ image: { location }, targets, options: testOptions(options) })
  return runner.ended(startPlan(runner, plan))
}
