/** Where the user is. It lives in the address's fragment, so that back, forward and a reload do what one expects. */
import { create } from 'zustand'
import { type ChangeJobName, changeJob } from '../../native-helpers/contract.ts'

export type FlashMode = 'write' | 'check'

/** A repair asks nothing; of the others the user says first how large, what of it, or what is kept. */
export type WishJob = Exclude<ChangeJobName, 'repair'>

export type Route =
  | { screen: 'home' | 'list' | 'drives' | 'plan' | 'history' | 'settings' | 'practice' }
  | { screen: 'flash'; mode: FlashMode }
  | { screen: 'drive'; path: string }
  /** A card image, a folder or an overlay file. */
  | { screen: 'card'; path: string }
  /** What a job is to do with a drive or a card image. */
  | { screen: 'wish'; job: WishJob; path: string }
  /** The plan that was made of it. */
  | { screen: 'change-plan'; job: ChangeJobName; path: string }
  /** What of a card is to be saved. */
  | { screen: 'backup'; path: string }
  /** The plan to take back what an undo file remembers. */
  | { screen: 'undo'; file: string }
  | { screen: 'job' | 'change' | 'backup-job'; id: string }

const plain = ['list', 'drives', 'plan', 'history', 'settings', 'practice'] as const

export function routeOf(fragment: string): Route {
  const [screen = '', rest = ''] = fragment.replace(/^#?\/?/, '').split(/\/(.*)/s)
  for (const name of plain) if (screen === name) return { screen: name }
  if (screen === 'write' || screen === 'check') return { screen: 'flash', mode: screen }
  if ((screen === 'drive' || screen === 'card' || screen === 'backup') && rest) return { screen, path: decoded(rest) }
  for (const job of changeJob.options) if (screen === job && rest) return jobRoute(job, rest)
  if (screen === 'undo' && rest) return { screen, file: decoded(rest) }
  if ((screen === 'job' || screen === 'change' || screen === 'backup-job') && rest) return { screen, id: decoded(rest) }
  return { screen: 'home' }
}

/** "enlarge/PATH", and its plan "enlarge/plan/PATH": a path's own slashes are encoded. */
function jobRoute(job: ChangeJobName, rest: string): Route {
  const plan = /^plan\/(.+)$/s.exec(rest)?.[1]
  if (plan !== undefined) return { screen: 'change-plan', job, path: decoded(plan) }
  return firstRoute(job, decoded(rest))
}

/** Where a job on a card begins. */
export function firstRoute(job: ChangeJobName, path: string): Route {
  return job === 'repair' ? { screen: 'change-plan', job, path } : { screen: 'wish', job, path }
}

export function addressOf(route: Route): string {
  if (route.screen === 'home') return '#/'
  if (route.screen === 'flash') return `#/${route.mode}`
  if (route.screen === 'wish' || (route.screen === 'change-plan' && route.job === 'repair'))
    return `#/${route.job}/${encodeURIComponent(route.path)}`
  if (route.screen === 'change-plan') return `#/${route.job}/plan/${encodeURIComponent(route.path)}`
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

/** Goes on without a way back to where one was. */
export function goInstead(route: Route): void {
  location.replace(addressOf(route))
}

/** Whether the screen is about this card: its own, or one of a job of it. */
export function isAbout(route: Route, path: string): boolean {
  return 'path' in route && route.path === path
}
