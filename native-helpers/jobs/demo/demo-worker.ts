import { parentPort, workerData } from 'node:worker_threads'
import { openFileDevice } from '../../block/file-device.ts'
import { toErrorValue } from '../../errors.ts'
import type { DemoMessage, DemoTask } from './demo-task.ts'
import { practiceCards } from './index.ts'
import { sparseDevice } from './sparse-device.ts'

async function work({ id, path }: DemoTask): Promise<DemoMessage> {
  const card = practiceCards.find((one) => one.id === id)
  if (!card) throw new RangeError(`there is no practice card ${id}`)
  const file = openFileDevice({ path, writable: true })
  try {
    const device = sparseDevice(file)
    await card.make(device)
    device.flushSync()
    return { made: true }
  } finally {
    file.close()
  }
}

const port = parentPort
if (port !== null) {
  work(workerData as DemoTask)
    .catch((thrown): DemoMessage => ({ failed: toErrorValue(thrown) }))
    .then((message) => port.postMessage(message))
}
