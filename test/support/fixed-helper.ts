/** A helper process or worker with fixed handlers: over the port it was given, else over stdio. */
import { type MessagePort, workerData } from 'node:worker_threads'
import { messagePortChannel } from '../../native-helpers/channels/parent-port.ts'
import { stdioChannel } from '../../native-helpers/channels/stdio.ts'
import { serve } from '../../native-helpers/helper.ts'
import { fixedHandlers } from './fixed-handlers.ts'

const port = (workerData as { port?: MessagePort } | null)?.port
serve(port ? messagePortChannel(port) : stdioChannel(), fixedHandlers())
