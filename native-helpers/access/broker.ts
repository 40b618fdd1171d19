import { existsSync } from 'node:fs'
import { askOpener } from './ask-opener.ts'
import { accessPrograms, isRootsOwn } from './programs.ts'

/** What the privileged side is told; it derives the drive's safety itself and believes none of it. */
export interface DriveRequest {
  path: string
  /** "major:minor" */
  deviceNumber: string
  sizeBytes: number
  mode: 'read' | 'write'
  virtual: boolean
  /** For the sentences that people read. */
  name: string
}

export type BrokerAnswer =
  | { is: 'opened'; fd: number }
  | { is: 'unavailable'; why: string }
  | { is: 'refused-by-user' }
  | { is: 'no-agent' }
  /** The broker's own no: refused, changed, busy, mounted, read-only, gone. */
  | { is: 'no'; code: string; text: string }

const pkexec = '/usr/bin/pkexec'

/** Exit codes of pkexec(1): 126 not authorized or the dialog was dismissed, 127 anything that kept it from asking or starting. */
export async function openWithBroker(request: DriveRequest): Promise<BrokerAnswer> {
  const programs = accessPrograms()
  if (programs === null) return { is: 'unavailable', why: "Livecard's own opener is not built here" }
  if (!existsSync(pkexec)) return { is: 'unavailable', why: 'pkexec is not installed' }
  if (!isRootsOwn(programs.openDrive)) return { is: 'unavailable', why: 'pkexec starts only what is installed as root' }
  const words = ['open', request.path, request.deviceNumber, String(request.sizeBytes), request.mode === 'write' ? 'rw' : 'r']
  const answer = await askOpener(programs, pkexec, [programs.openDrive, ...words, ...(request.virtual ? ['virtual'] : [])])
  if (answer.fd !== null) return { is: 'opened', fd: answer.fd }
  if (answer.error !== null) return { is: 'no', code: answer.error.code, text: answer.error.text }
  if (answer.exitCode === 126) return { is: 'refused-by-user' }
  if (/Error getting authority/i.test(answer.errorOutput)) return { is: 'unavailable', why: 'polkit is not running' }
  if (/No authentication agent|polkit-agent-helper|\/dev\/tty/i.test(answer.errorOutput)) return { is: 'no-agent' }
  if (/Not authorized/i.test(answer.errorOutput)) return { is: 'refused-by-user' }
  return { is: 'unavailable', why: `pkexec: ${answer.errorOutput.trim().split('\n').at(-1) || `ended with ${answer.exitCode}`}` }
}
