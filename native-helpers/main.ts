/**
 * The helper as a process: serves the contract to whoever started it, over the port of a utility process or over stdin and stdout. Ends when that channel
 * ends, after the jobs that run were stopped and their cards left in a named state.
 */
import { type ParentPort, parentPortChannel } from './channels/parent-port.ts'
import { stdioChannel } from './channels/stdio.ts'
import { createHandlers } from './handlers.ts'
import { serve } from './helper.ts'
import { CardBackups } from './jobs/card-backups.ts'
import { Changes } from './jobs/changes.ts'
import { createJobRunner } from './jobs/runner.ts'

const runner = createJobRunner()
const changes = new Changes()
const backups = new CardBackups()
let leaving = false

async function leave(): Promise<void> {
  if (leaving) return
  leaving = true
  await Promise.all([runner.close(), changes.close(), backups.stopAll()])
  process.exit(0)
}

// Ctrl-C in a terminal reaches the whole group; the app decides what it means and ends the channel.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => void leave())

const port = (process as NodeJS.Process & { parentPort?: ParentPort }).parentPort
const channel = port ? parentPortChannel(port, () => void leave()) : stdioChannel()
channel.onClose(() => void leave())
serve(channel, createHandlers(runner, changes, backups))
