/** A helper with known answers as a child over stdin and stdout. */
import { stdioChannel } from '../../../native-helpers/channels/stdio.ts'
import { serve } from '../../../native-helpers/helper.ts'
import { mortalHandlers } from './handlers.ts'

const channel = stdioChannel()
channel.onClose(() => process.exit(0))
serve(channel, mortalHandlers())
