import { parentPort, workerData } from 'node:worker_threads'
import { openFileDevice } from '../block/file-device.ts'
import { toErrorValue } from '../errors.ts'
import { openCard } from '../systems/card.ts'
import { readCard } from '../systems/read-card.ts'
import type { InspectMessage, InspectTask } from './inspect-task.ts'

async function work({ source }: InspectTask): Promise<InspectMessage> {
  const card = await openCard(
    source.kind === 'folder'
      ? source
      : { ...source, device: openFileDevice(source.device), base: source.base && openFileDevice(source.base) },
  )
  try {
    return { report: await readCard(card) }
  } finally {
    card.close()
  }
}

const port = parentPort
if (port !== null) {
  work(workerData as InspectTask)
    .catch((thrown): InspectMessage => ({ failed: toErrorValue(thrown) }))
    .then((message) => port.postMessage(message))
}
