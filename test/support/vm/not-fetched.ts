import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Packages that are not here and cannot be had now: without a network nothing is wrong with what they would have been for. */
export class NotFetched extends Error {}

/** Runs a command that fetches packages. Throws `NotFetched` with its last words where it fails for what lies outside of this machine. */
export async function fetching(
  name: string,
  args: readonly string[],
  options: { cwd?: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  try {
    await promisify(execFile)(name, args, { ...options, maxBuffer: 1 << 28 })
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr ?? ''
    const why = /^E: .*(?:fetch|resolve|connect|timed out|Temporary failure).*$/m.exec(said)?.[0]
    if (!why) throw thrown
    throw new NotFetched(`packages could not be fetched: ${why}`)
  }
}

/** Why a test cannot go on where the preparation threw this; throws it again where that is an error. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof NotFetched) return thrown.message
  throw thrown
}
