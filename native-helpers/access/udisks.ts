import { privilegeNeeded } from './errors.ts'

/** Asks UDisks2 to unmount a volume that it mounted for this user. */
export async function unmountWithUdisks(devicePath: string): Promise<void> {
  throw privilegeNeeded(devicePath, [])
}
