import { LivecardError } from '../errors.ts'

/** Why a drive could not be opened for lack of privilege, and what to do. All of kind 'privilege': exit 5. */

const meaning = 'Nothing was written; the drive was not opened.'

/** `tried` names what was asked and why it did not help. */
export function privilegeNeeded(name: string, tried: string[]): LivecardError {
  return new LivecardError('privilege', 'privilege-needed', {
    message: `You may not open ${name}${tried.length > 0 ? ` (${tried.join('; ')})` : ''}.`,
    meaning,
    next: nextStep(),
  })
}

export function privilegeRefused(name: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'privilege',
    'privilege-refused',
    {
      message: `The permission to open ${name} was not given.`,
      meaning,
      next: 'Try again and enter the password of an administrator.',
    },
    cause,
  )
}

export function privilegeNoAgent(name: string, tried: string[]): LivecardError {
  return new LivecardError('privilege', 'privilege-no-agent', {
    message: `Opening ${name} needs a password, and there is nobody here to ask for it${tried.length > 0 ? ` (${tried.join('; ')})` : ''}.`,
    meaning,
    next: `Start Livecard from a desktop or a terminal, where a password can be entered; or ${nextStep().replace(/^./, (first) => first.toLowerCase())}`,
  })
}

function nextStep(): string {
  if (process.platform === 'win32') return 'Start Livecard as administrator (right click, "Run as administrator").'
  if (process.platform === 'darwin') return 'Start it from a terminal with sudo.'
  if (process.getuid?.() === 0)
    return 'Not even root may open it here; in a container or sandbox, the device has to be handed in from outside.'
  return 'Run it as root (sudo), or let an administrator add you to the group "disk" and log in again.'
}
