/** Run as an ordinary user: tries what its first word names on a drive and prints the outcome as JSON. */
import { type DriveRequest, openWithBroker } from '../../native-helpers/access/broker.ts'
import { alignedBuffer } from '../../native-helpers/block/aligned.ts'
import { findDrive } from '../../native-helpers/drives/find.ts'
import { openForReading, openForWriting } from '../../native-helpers/drives/open.ts'
import { toErrorValue } from '../../native-helpers/errors.ts'

const [verb = '', path = '', ...rest] = process.argv.slice(2)

const verbs: Record<string, () => Promise<unknown>> = {
  async write() {
    const device = await openForWriting((await findDrive(path)).identity, { allowVirtual: true })
    const bytes = alignedBuffer(4096).fill(0xa5)
    await device.write(bytes, 8192)
    await device.flush()
    await device.close()
    return { label: device.label, sizeBytes: device.sizeBytes, direct: device.direct }
  },
  async read() {
    const device = await openForReading(path)
    const bytes = alignedBuffer(4096)
    await device.read(bytes, 8192)
    await device.close()
    return { byte: bytes[0] }
  },
  async broker() {
    const answer = await openWithBroker({ path, ...(JSON.parse(rest[0] ?? '{}') as Omit<DriveRequest, 'path'>) })
    return answer.is === 'opened' ? { is: answer.is } : answer
  },
}

try {
  const value = await verbs[verb]?.()
  process.stdout.write(`${JSON.stringify({ uid: process.getuid?.(), value })}\n`)
} catch (thrown) {
  process.stdout.write(`${JSON.stringify({ uid: process.getuid?.(), error: toErrorValue(thrown) })}\n`)
}
