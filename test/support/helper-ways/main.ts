/** A shell without a window: starts a helper both ways, asks it, and prints what it heard. Bundled by the test and run in a real Electron. */
import { join } from 'node:path'
import { app } from 'electron'
import { type HelperProcess, startChild, startUtility } from '../../../electron/helper-process.ts'
import { createClient } from '../../../native-helpers/contract-client.ts'

async function tryOut(name: string, start: () => HelperProcess) {
  const asked = start()
  const client = createClient(asked.channel)
  const hello = await client.call('hello', {})
  const unknown = await client.call('images.browse', { folder: '/' })
  const stopped = new Promise<string>((resolve) => client.onClose(resolve))
  await asked.stop()

  const doomed = start()
  const died = new Promise<string>((resolve) => doomed.channel.onClose(resolve))
  const reply = createClient(doomed.channel).call('images.probe', { location: 'die' })
  const outcome = await reply
  return {
    name,
    hello,
    unknown: unknown.ok ? null : unknown.error.code,
    stopped: await stopped,
    died: await died,
    lastCall: outcome.ok ? null : outcome.error.code,
  }
}

app.on('window-all-closed', () => {})
void app.whenReady().then(async () => {
  const node = process.env.TEST_NODE ?? ''
  const found = [
    await tryOut('utility process', () => startUtility(join(__dirname, 'port.cjs'))),
    await tryOut('child', () => startChild(node, join(__dirname, 'stdio.mjs'))),
  ]
  process.stdout.write(`${JSON.stringify(found)}\n`, () => app.exit(0))
})
