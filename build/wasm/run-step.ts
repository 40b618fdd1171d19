import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Step {
  /** "libraries": also the name of its log. */
  name: string
  folder: string
  logs: string
  env: Record<string, string>
}

/** Runs one command of the build with its output in a log; throws with the log's end where it fails. */
export async function runStep(step: Step, command: string, args: readonly string[]): Promise<void> {
  const path = join(step.logs, `${step.name}.log`)
  const log = openSync(path, 'a')
  try {
    const child = spawn(command, args, { cwd: step.folder, env: { ...process.env, ...step.env }, stdio: ['ignore', log, log] })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', resolve)
    })
    if (code !== 0) throw new Error(`"${command}" ended with ${code ?? 'a signal'} in the step "${step.name}":\n${lastLines(path)}`)
  } finally {
    closeSync(log)
  }
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
}
