import { useEffect } from 'react'

/** The window is called after what it shows; at the start after the app alone. */
export function useWindowTitle(title: string | null): void {
  useEffect(() => {
    document.title = title === null ? 'Livecard' : `${title} – Livecard`
  }, [title])
}
