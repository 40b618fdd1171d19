/** What the user set for this app; kept in the browser's storage of this origin, never sent anywhere. */
import { create } from 'zustand'
import { persist } from 'zustand/middleware'

export type Theme = 'auto' | 'light' | 'dark'
export type Language = 'en' | 'de'

interface SettingsState {
  theme: Theme
  showVirtual: boolean
  /** English unless chosen: the German is not whole. Takes effect when the page is loaded anew. */
  language: Language
  setTheme(theme: Theme): void
  setShowVirtual(show: boolean): void
  setLanguage(language: Language): void
}

export const useSettings = create<SettingsState>()(
  persist(
    (set) => ({
      theme: 'auto',
      showVirtual: false,
      language: 'en',
      setTheme: (theme) => set({ theme }),
      setShowVirtual: (showVirtual) => set({ showVirtual }),
      setLanguage: (language) => set({ language }),
    }),
    { name: 'livecard-settings', version: 1 },
  ),
)

/**
 * Keeps `data-theme` of the page at light or dark. The style sheet has one set of colours for each and no `light-dark()`, which the oldest Chromium
 * that the app runs on (108, of the development runtime) does not know.
 */
export function followTheme(): void {
  const darkSystem = window.matchMedia('(prefers-color-scheme: dark)')
  const apply = () => {
    const { theme } = useSettings.getState()
    const dark = theme === 'dark' || (theme === 'auto' && darkSystem.matches)
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  }
  darkSystem.addEventListener('change', apply)
  useSettings.subscribe(apply)
  apply()
}
