import { privilegeNeeded } from '../../access/errors.ts'
import { systemCode } from '../../errors.ts'
import { driveBusy, driveGone, driveReadOnly } from '../errors.ts'

/** What a failed open(2) of a drive means; what has no meaning here is left as it is. */
export function openError(thrown: unknown, name: string): unknown {
  switch (systemCode(thrown)) {
    case 'EACCES':
    case 'EPERM':
      return privilegeNeeded(name, [])
    case 'EBUSY':
    case 'EAGAIN':
      return driveBusy(name, thrown)
    case 'EROFS':
      return driveReadOnly(name, thrown)
    case 'ENOENT':
    case 'ENXIO':
    case 'ENODEV':
    case 'ENOMEDIUM':
      return driveGone(name, thrown)
    default:
      return thrown
  }
}
