/** Images that were opened in this session, and which of them is the one to write. */
import { create } from 'zustand'
import type { ErrorValue, ImageFacts, ImageRef } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'

export interface OpenedImage {
  location: string
  /** The chosen image of a zip that holds several. */
  member: string | null
  state: 'looking' | 'known' | 'failed'
  facts: ImageFacts | null
  /** Kept from the first look, before one was chosen. */
  members: ImageFacts['members']
  error: ErrorValue | null
}

interface ImageState {
  opened: OpenedImage[]
  currentLocation: string | null
  /** Looks at an image and makes it the current one. */
  open(location: string): Promise<void>
  chooseMember(location: string, member: string): Promise<void>
  /** Takes the current image away, so that another can be chosen; it stays in the list. */
  putAside(): void
}

export const useImages = create<ImageState>()((set, get) => {
  const change = (location: string, changes: Partial<OpenedImage>) =>
    set(({ opened }) => ({ opened: opened.map((image) => (image.location === location ? { ...image, ...changes } : image)) }))

  const look = async (location: string, member: string | null) => {
    change(location, { state: 'looking', member, error: null })
    const ref: ImageRef = member === null ? { location } : { location, member }
    const outcome = await ask('images.probe', ref)
    // A later look at the same image has the word.
    if (get().opened.find((image) => image.location === location)?.member !== member) return
    if (!outcome.ok) return change(location, { state: 'failed', facts: null, error: outcome.error })
    const known = get().opened.find((image) => image.location === location)?.members ?? []
    change(location, { state: 'known', facts: outcome.value, members: known.length > 0 ? known : outcome.value.members })
  }

  return {
    opened: [],
    currentLocation: null,
    async open(location) {
      const fresh: OpenedImage = { location, member: null, state: 'looking', facts: null, members: [], error: null }
      set(({ opened }) => ({
        opened: [fresh, ...opened.filter((image) => image.location !== location)],
        currentLocation: location,
      }))
      await look(location, null)
    },
    chooseMember: look,
    putAside: () => set({ currentLocation: null }),
  }
})

export function currentImage(state: Pick<ImageState, 'opened' | 'currentLocation'>): OpenedImage | null {
  return state.opened.find((image) => image.location === state.currentLocation) ?? null
}

/** The last part of a path or address. */
export function fileName(location: string): string {
  const path = /^https?:/i.test(location) ? location.replace(/[?#].*$/, '') : location
  return path.split(/[/\\]/).filter(Boolean).at(-1) ?? location
}

/** "lampone-pi.img.xz" is "lampone-pi" to a person who reads a heading. */
export function imageTitle(name: string): string {
  return name.replace(/\.(gz|bz2|xz|zst|zip)$/i, '').replace(/\.(img|iso|raw|bin|wic|sdcard|dd)$/i, '') || name
}

export function needsMember(image: OpenedImage): boolean {
  return image.members.length > 1 && image.member === null
}

export function isAddress(text: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(text.trim())
}
