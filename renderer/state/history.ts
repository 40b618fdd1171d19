/** Jobs that ended, in this run or an earlier one. */
import { create } from 'zustand'
import type { ErrorValue, Job } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'

interface HistoryState {
  jobs: Job[]
  error: ErrorValue | null
  load(): Promise<Job[]>
}

export const useHistory = create<HistoryState>()((set) => ({
  jobs: [],
  error: null,
  async load() {
    const outcome = await ask('history.list', {})
    if (!outcome.ok) {
      set({ error: outcome.error })
      return []
    }
    set({ jobs: outcome.value, error: null })
    return outcome.value
  },
}))
