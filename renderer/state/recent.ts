/** Card images and folders that were looked at, kept over sessions in the browser's storage of this origin. */
import { create } from 'zustand'
import { persist } from 'zustand/middleware'

export interface RecentCard {
  path: string
  base: string | null
}

interface RecentState {
  recent: RecentCard[]
  add(card: RecentCard): void
  forgetAll(): void
}

const most = 6

export const useRecent = create<RecentState>()(
  persist(
    (set) => ({
      recent: [],
      // One that is in the list keeps its place: lines that jump under the pointer are pressed by mistake.
      add: (card) =>
        set(({ recent }) => {
          const isThere = recent.some(({ path }) => path === card.path)
          const others = recent.map((one) => (one.path === card.path ? card : one))
          return { recent: isThere ? others : [card, ...recent].slice(0, most) }
        }),
      forgetAll: () => set({ recent: [] }),
    }),
    { name: 'livecard-recent', version: 1 },
  ),
)
