import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import type { Card, Description, Detection, System } from '../../native-helpers/systems/system.ts'

export interface Described {
  detection: Detection
  description: Description
  bytesRead: number
  /** Of the findings, in their order. */
  ids: string[]
}

/** What one family makes of an image or a mounted folder; null where it does not find itself. */
export async function describedBy(system: System, source: { image: string } | { folder: string }): Promise<Described | null> {
  const device = 'image' in source ? openFileDevice({ path: source.image, writable: false }) : null
  const card = await openCard(
    device ? { kind: 'file', path: 'card', device } : { kind: 'folder', path: 'folder' in source ? source.folder : '' },
  )
  try {
    const detection = await system.detect(card satisfies Card)
    if (!detection) return null
    const description = await detection.describe()
    return { detection, description, bytesRead: card.bytesRead, ids: description.findings.map(({ id }) => id) }
  } finally {
    card.close()
    device?.close()
  }
}
