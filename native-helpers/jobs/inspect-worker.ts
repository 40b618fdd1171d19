import { parentPort, workerData } from 'node:worker_threads'
import { openFileDevice } from '../block/file-device.ts'
import { toErrorValue } from '../errors.ts'
import { openCard } from '../systems/card.ts'
import { cardPieces } from '../systems/card-pieces.ts'
import { readCard } from '../systems/read-card.ts'
import type { InspectMessage, InspectTask } from './inspect-task.ts'

async function work({ source, pieces }: InspectTask): Promise<InspectMessage> {
  const card = await openCard(
    source.kind === 'folder'
      ? source
      : { ...source, device: openFileDevice(source.device), base: source.base && openFileDevice(source.base) },
  )
  try {
    return { inspected: { report: await readCard(card), pieces: pieces ? cardPieces(card) : [] } }
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
