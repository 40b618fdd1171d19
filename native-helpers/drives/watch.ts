import type { Drive } from '../contract.ts'
import type { DriveFacts } from './facts.ts'
import { rememberShown } from './identity.ts'
import { driveOf, lastShown, listFacts } from './list.ts'
import { platform } from './platform/index.ts'

type Listener = (drives: Drive[]) => void

/** Events come in bursts: a stick with two partitions makes a dozen. */
const settleMs = 150

let shared: Watcher | null = null

/** Calls `onChange` whenever the list of drives has become another one. All listeners share one watcher, which ends with the last of them. */
export function watchDrives(onChange: Listener): () => void {
  shared ??= startWatcher(() => {
    shared = null
  })
  return shared.add(onChange)
}

interface Seen {
  key: string
  facts: DriveFacts[]
}

interface Watcher {
  add(listener: Listener): () => void
}

function startWatcher(onEnd: () => void): Watcher {
  const listeners = new Set<Listener>()
  let ended = false
  let endHints = () => {}
  let timer: NodeJS.Timeout | null = null
  let looking: Promise<void> | null = null
  let hinted = false
  let last: Seen | null = null

  const look = async () => {
    const facts = await listFacts().catch(() => null)
    if (ended || facts === null) return
    const drives = facts.map(driveOf)
    const key = JSON.stringify(drives)
    const before = last
    last = { key, facts }
    // Another drive at the same place with the same face: who looks must see the first one go.
    const replaced = new Set(before?.facts.filter((drive) => wasReplaced(drive, facts)).map(({ path }) => path))
    if (replaced.size > 0) tell(drives.filter(({ identity }) => !replaced.has(identity.path)))
    // Before the first look, what matters is what this process has shown last.
    if (replaced.size === 0 && key === (before?.key ?? lastShown() ?? key)) return
    rememberShown(facts)
    tell(drives)
  }
  const tell = (drives: Drive[]) => {
    for (const listener of [...listeners]) listener(drives)
  }
  const lookSoon = () => {
    hinted = true
    if (timer || looking || ended) return
    timer = setTimeout(() => {
      timer = null
      hinted = false
      looking = look().finally(() => {
        looking = null
        if (hinted) lookSoon()
      })
    }, settleMs)
    timer.unref()
  }

  platform().then(
    (system) => {
      if (ended) return
      endHints = system.hints(lookSoon)
      lookSoon()
    },
    // On a platform without drives there is nothing to watch; whoever lists them is told so.
    () => {},
  )
  return {
    add(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0 || ended) return
        ended = true
        if (timer) clearTimeout(timer)
        endHints()
        onEnd()
      }
    },
  }
}

function wasReplaced(before: DriveFacts, now: DriveFacts[]): boolean {
  const same = now.find(({ path }) => path === before.path)
  return same !== undefined && same.attachment !== before.attachment && same.sizeBytes > 0 && before.sizeBytes > 0
}
