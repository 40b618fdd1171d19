/** A helper with known answers in a utility process. */
import { type ParentPort, parentPortChannel } from '../../../native-helpers/channels/parent-port.ts'
import { serve } from '../../../native-helpers/helper.ts'
import { mortalHandlers } from './handlers.ts'

const { parentPort } = process as NodeJS.Process & { parentPort?: ParentPort }
if (!parentPort) throw new Error('not in a utility process')
serve(
  parentPortChannel(parentPort, () => process.exit(0)),
  mortalHandlers(),
)
