import type { LivecardError } from '../errors.ts'
import { type BrokerAnswer, type DriveRequest, openWithBroker } from './broker.ts'
import { privilegeNeeded, privilegeNoAgent, privilegeRefused } from './errors.ts'
import { openWithUdisks } from './udisks.ts'

export type { DriveRequest } from './broker.ts'

/** Got it, or why not: a lack of privilege as an error, the rest by name, for those to put into words who know the drive. */
export type AccessAnswer =
  | { is: 'opened'; fd: number }
  | { is: 'denied'; error: LivecardError }
  | { is: 'no'; code: string; text: string }

/** A descriptor of a drive that this user may not open himself: from UDisks2, which most desktops run, else from our broker by pkexec. */
export async function openWithPrivilege(request: DriveRequest): Promise<AccessAnswer> {
  const udisks = await openWithUdisks(request.path, request.mode)
  switch (udisks.is) {
    case 'opened':
      return udisks
    case 'busy':
      return { is: 'no', code: 'busy', text: udisks.text }
    case 'dismissed':
      return { is: 'denied', error: privilegeRefused(request.name) }
    default: {
      const why =
        udisks.is === 'failed' ? `UDisks2: ${udisks.text}` : udisks.is === 'done' ? 'UDisks2 gave no descriptor' : udisks.why
      return brokerWords(await openWithBroker(request), request, why)
    }
  }
}

function brokerWords(broker: BrokerAnswer, request: DriveRequest, why: string): AccessAnswer {
  switch (broker.is) {
    case 'opened':
    case 'no':
      return broker
    case 'refused-by-user':
      return { is: 'denied', error: privilegeRefused(request.name) }
    case 'no-agent':
      return { is: 'denied', error: privilegeNoAgent(request.name, [why]) }
    case 'unavailable':
      return { is: 'denied', error: privilegeNeeded(request.name, [why, broker.why]) }
  }
}
