import { lamponeCards } from './lampone.ts'
import { liveosCards } from './liveos.ts'
import { modeCards } from './mode.ts'
import type { PracticeCard } from './practice-card.ts'
import { rpiAbCards } from './rpi-ab.ts'
import { tmpfsrootCards } from './tmpfsroot.ts'

/** All practice cards in the order in which they are listed: the healthy ones of each system first. A system's own file adds its cards here. */
export const practiceCards: readonly PracticeCard[] = [
  ...lamponeCards,
  ...liveosCards,
  ...rpiAbCards,
  ...tmpfsrootCards,
  ...modeCards,
]
