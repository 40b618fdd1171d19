import type { BackupChoice, BackupResult } from '../../native-helpers/contract-backup.ts'
import { type BackupRequest, openBackup, type WriteOptions } from '../../native-helpers/jobs/backup.ts'
import type { Manifest } from '../../native-helpers/systems/archive/manifest.ts'
import { parseManifest } from '../../native-helpers/systems/archive/manifest.ts'
import { tool } from './tools.ts'

/** Saves a card as a user's choice says. */
export async function saved(
  request: BackupRequest,
  file: string,
  choice: BackupChoice = {},
  options: WriteOptions = {},
): Promise<BackupResult> {
  const session = await openBackup(request)
  try {
    return await session.write(choice, file, options)
  } finally {
    await session.close()
  }
}

/** The manifest of an archive as GNU tar takes it out. */
export function manifestOf(archive: string): Manifest {
  const { value, problem } = parseManifest(
    Buffer.from(tool('tar', ['--extract', '--to-stdout', '--file', archive, '.livecard/manifest.json'])),
  )
  if (!value) throw new Error(problem.detail)
  return value
}

/** As root, with everything that GNU tar can give back. */
export function extractAll(archive: string, folder: string): void {
  const how = ['--numeric-owner', '--preserve-permissions', '--xattrs', '--xattrs-include=*']
  tool('tar', ['--extract', '--file', archive, ...how, '--directory', folder])
}
