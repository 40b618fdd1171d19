import type { PracticeCard } from './practice-card.ts'

/** All practice cards in the order in which they are listed: the healthy ones of each system first. A system's own file adds its cards here. */
export const practiceCards: readonly PracticeCard[] = []
