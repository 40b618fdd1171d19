import { privilegeNeeded } from './errors.ts'

/** What the privileged side is told; it derives the drive's safety itself and believes none of it. */
export interface DriveRequest {
  path: string
  /** "major:minor" */
  deviceNumber: string
  sizeBytes: number
  mode: 'read' | 'write'
  /** For the sentences that people read. */
  name: string
}

/** A descriptor of a drive that this user may not open himself. */
export async function openWithPrivilege(request: DriveRequest): Promise<number> {
  throw privilegeNeeded(request.name, [])
}
