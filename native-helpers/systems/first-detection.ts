import { problemOf } from './card.ts'
import { systems } from './index.ts'
import type { Card, Detection } from './system.ts'

/** The family that knows a card; null where none does. One that fails must not keep the others from being asked. */
export async function firstDetection(card: Card): Promise<Detection | null> {
  for (const system of systems) {
    try {
      const detection = await system.detect(card)
      if (detection) return detection
    } catch (thrown) {
      problemOf(thrown)
    }
  }
  return null
}
