/** Where the user is. It lives in the address's fragment, so that back, forward and a reload do what one expects. */
import { create } from 'zustand'

export type FlashMode = 'write' | 'check'

export type Route =
  | { screen: 'home' | 'list' | 'drives' | 'plan' | 'history' | 'settings' | 'practice' }
  | { screen: 'flash'; mode: FlashMode }
  | { screen: 'drive'; path: string }
  /** A card image, a folder or an overlay file. */
  | { screen: 'card'; path: string }
  /** The plan to repair a drive or a card image. */
  | { screen: 'repair'; path: string }
  /** The plan to take back what an undo file remembers. */
  | { screen: 'undo'; file: string }
  | { screen: 'job' | 'change'; id: string }

const plain = ['list', 'drives', 'plan', 'history', 'settings', 'practice'] as const

export function routeOf(fragment: string): Route {
  const [screen = '', rest = ''] = fragment.replace(/^#?\/?/, '').split(/\/(.*)/s)
  for (const name of plain) if (screen === name) return { screen: name }
  if (screen === 'write' || screen === 'check') return { screen: 'flash', mode: screen }
  if ((screen === 'drive' || screen === 'card' || screen === 'repair') && rest) return { screen, path: decoded(rest) }
  if (screen === 'undo' && rest) return { screen, file: decoded(rest) }
  if ((screen === 'job' || screen === 'change') && rest) return { screen, id: decoded(rest) }
  return { screen: 'home' }
}

export function addressOf(route: Route): string {
  if (route.screen === 'home') return '#/'
  if (route.screen === 'flash') return `#/${route.mode}`
  const of = 'path' in route ? route.path : 'file' in route ? route.file : 'id' in route ? route.id : null
  if (of !== null) return `#/${route.screen}/${encodeURIComponent(of)}`
  return `#/${route.screen}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

interface RouteState {
  route: Route
  /** How often the user went somewhere; 0 until then, when the page has just been opened. */
  moves: number
}

export const useRoute = create<RouteState>()(() => ({ route: { screen: 'home' }, moves: 0 }))

export function followAddress(): void {
  useRoute.setState({ route: routeOf(location.hash) })
  window.addEventListener('hashchange', () =>
    useRoute.setState(({ moves }) => ({ route: routeOf(location.hash), moves: moves + 1 })),
  )
}

export function go(route: Route): void {
  location.hash = addressOf(route)
}
