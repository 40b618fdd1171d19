/** What the user has chosen for a write or a comparison, and the plan that was made of it. Nothing is ever chosen beforehand. */
import { create } from 'zustand'
import type { Drive, ErrorValue, FlashPlan, FlashRequest, ImageRef } from '../../native-helpers/contract.ts'
import { type CardFile, cardFileTarget, isFullPath, lookAtPlace } from './card-file.ts'
import { ask } from './connection.ts'
import { driveKey } from './drives.ts'
import { needsMember, type OpenedImage } from './image.ts'
import type { FlashMode } from './route.ts'

interface FlashState {
  chosen: string[]
  /** A drive that was chosen and went away, by name. */
  vanished: string | null
  cardFile: CardFile
  sum: string
  verify: boolean
  skipUnused: boolean
  asking: boolean
  plan: FlashPlan | null
  error: ErrorValue | null
  choose(keys: string[]): void
  /** Looks at what is there whenever the path changes, or the file is chosen anew. */
  setCardFile(changes: Partial<Omit<CardFile, 'place'>>): void
  setOption(changes: { verify?: boolean; skipUnused?: boolean; sum?: string }): void
  /** Called with every new list: a drive that vanished is not chosen any more, also when it comes back. */
  drivesChanged(before: readonly Drive[], after: readonly Drive[]): void
  makePlan(request: FlashRequest): Promise<boolean>
  /** Starts the plan with exactly the drives that the user saw in it. Answers the job. */
  startPlan(): Promise<string | null>
  startCheck(request: FlashRequest): Promise<string | null>
  clearTargets(): void
}

const noTargets = { chosen: [], vanished: null, plan: null, error: null }

export const useFlash = create<FlashState>()((set, get) => ({
  ...noTargets,
  cardFile: { wanted: false, path: '', size: '8 GB', place: 'unknown' },
  sum: '',
  verify: true,
  skipUnused: false,
  asking: false,
  choose: (chosen) => set({ chosen, vanished: null, error: null }),
  setCardFile(changes) {
    const isNew = changes.path !== undefined || changes.wanted === true
    const place = isNew ? { place: 'unknown' as const } : {}
    set(({ cardFile }) => ({ cardFile: { ...cardFile, ...changes, ...place }, error: null }))
    if (isNew) void settlePlace(get().cardFile.path)
  },
  setOption: (changes) => set({ ...changes, error: null }),
  drivesChanged(before, after) {
    const here = new Set(after.map(driveKey))
    const gone = get().chosen.filter((key) => !here.has(key))
    if (gone.length === 0) return
    const vanished = before.find((drive) => gone.includes(driveKey(drive)))?.name ?? null
    set(({ chosen }) => ({ chosen: chosen.filter((key) => here.has(key)), vanished }))
  },
  async makePlan(request) {
    set({ asking: true, error: null, plan: null })
    const outcome = await ask('flash.plan', request)
    set(outcome.ok ? { asking: false, plan: outcome.value } : { asking: false, error: outcome.error })
    return outcome.ok
  },
  async startPlan() {
    const { plan } = get()
    if (!plan) return null
    set({ asking: true, error: null })
    const confirmed = plan.targets.flatMap(({ target }) => (target.kind === 'drive' ? [target.identity] : []))
    const outcome = await ask('flash.start', { planId: plan.planId, confirmed })
    if (!outcome.ok) {
      set({ asking: false, error: outcome.error })
      return null
    }
    set(({ cardFile }) => ({ ...noTargets, asking: false, cardFile: { ...cardFile, wanted: false } }))
    return outcome.value.jobId
  },
  async startCheck(request) {
    set({ asking: true, error: null })
    const outcome = await ask('verify.start', request)
    set(outcome.ok ? { ...noTargets, asking: false } : { asking: false, error: outcome.error })
    return outcome.ok ? outcome.value.jobId : null
  },
  clearTargets: () => set(({ cardFile }) => ({ ...noTargets, cardFile: { ...cardFile, wanted: false } })),
}))

/** Not at every key: a path is typed one letter after the other. */
const typingPauseMs = 200

async function settlePlace(path: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, typingPauseMs))
  const stillMeant = () => useFlash.getState().cardFile.path === path
  if (!stillMeant() || !isFullPath(path)) return
  const place = await lookAtPlace(path)
  if (stillMeant()) useFlash.setState(({ cardFile }) => ({ cardFile: { ...cardFile, place } }))
}

export type GivenSum = { state: 'none' } | { state: 'incomplete' } | { state: 'sha256' | 'md5'; value: string }

/** Which kind of sum was typed; a line of a sum file ("HASH  name") is as good as the sum alone. */
export function givenSum(text: string): GivenSum {
  const value = (text.trim().split(/\s+/)[0] ?? '').toLowerCase()
  if (value === '') return { state: 'none' }
  if (/^[0-9a-f]{64}$/.test(value)) return { state: 'sha256', value }
  if (/^[0-9a-f]{32}$/.test(value)) return { state: 'md5', value }
  return { state: 'incomplete' }
}

export type Missing = 'needImage' | 'needMember' | 'needDrive' | 'needFile' | 'needSum'

/** The request that the choices make, or what is still missing. */
export function requestOf(
  choices: Pick<FlashState, 'chosen' | 'cardFile' | 'sum' | 'verify' | 'skipUnused'>,
  image: OpenedImage | null,
  drives: readonly Drive[],
  showVirtual: boolean,
  mode: FlashMode,
): { request: FlashRequest } | { missing: Missing } {
  if (image === null || image.state === 'failed') return { missing: 'needImage' }
  if (needsMember(image)) return { missing: 'needMember' }
  if (image.state !== 'known') return { missing: 'needImage' }
  const sum = givenSum(choices.sum)
  if (sum.state === 'incomplete') return { missing: 'needSum' }

  const targets: FlashRequest['targets'] = drives
    .filter((drive) => choices.chosen.includes(driveKey(drive)))
    .map((drive) => ({ kind: 'drive', identity: drive.identity }))
  if (choices.cardFile.wanted) {
    const target = cardFileTarget(choices.cardFile, mode)
    if (target === null) return { missing: 'needFile' }
    targets.push(target)
  }
  if (targets.length === 0) return { missing: 'needDrive' }

  const ref: ImageRef = image.member === null ? { location: image.location } : { location: image.location, member: image.member }
  return {
    request: {
      image: ref,
      targets,
      options: {
        sha256: sum.state === 'sha256' ? sum.value : null,
        md5: sum.state === 'md5' ? sum.value : null,
        bmap: null,
        skipUnused: choices.skipUnused,
        verify: choices.verify,
        allowVirtual: showVirtual,
      },
    },
  }
}
