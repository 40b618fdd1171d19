import { LivecardError } from '../../errors.ts'
import { displayName } from '../../wasm/names.ts'
import { type ArchivePart, kernelFolder, type Manifest } from '../archive/manifest.ts'
import { onlyImpossible, type RestoreRequest } from './request.ts'
import type { RestoreSpot } from './spot.ts'

/** Where a member goes. `above`: it is a folder on the way to what was asked for, and is not asked for itself. */
export interface Place {
  spot: RestoreSpot
  part: ArchivePart | null
  /** From the spot's folder on; "" for that itself. */
  path: string
  isAbove: boolean
  /** The archive has some of the part only: what it has not was not gone when it was saved. */
  isPartial: boolean
}

/**
 * Tells of each member of an archive where it goes. Of an archive with a list its parts say so. One without goes where its only top folder is named like,
 * or, where it begins with "./", as a whole into the part of the card that is asked for, or that comes first.
 */
export class Placing {
  readonly #request: RestoreRequest
  readonly #spots: readonly RestoreSpot[]
  readonly #unmatched: Set<string>
  #foreign: { spot: RestoreSpot; top: string | null; isPartial: boolean } | null = null
  /** Parts of the archive that are left out, since the card has no such part, or another was asked for. */
  readonly leftOut = new Set<string>()

  constructor(request: RestoreRequest, spots: readonly RestoreSpot[]) {
    this.#request = request
    this.#spots = spots
    this.#unmatched = new Set(request.only)
  }

  /** Null for what is not put back. */
  of(path: string, manifest: Manifest | null): Place | null {
    if (path === '.livecard' || path.startsWith('.livecard/')) return null
    const found = manifest ? this.#listed(path, manifest) : this.#unlisted(path)
    if (!found) return null
    const chosen = this.#chosen(path, found.path)
    return chosen === 'out' ? null : { ...found, isAbove: chosen === 'above' }
  }

  /** When all members were placed. Throws where something was asked for that is not there. */
  checkAll(): void {
    for (const path of this.#unmatched) throw onlyImpossible(path, 'the archive does not have it')
  }

  #listed(path: string, manifest: Manifest): Omit<Place, 'isAbove'> | null {
    const top = topOf(path)
    if (top === kernelFolder && manifest.kernel) return null
    const part = manifest.parts.find(({ folder }) => folder === top)
    if (!part) throw nothingFits(`"${displayName(path)}" belongs to no part of the archive`)
    const { what } = this.#request
    const spot = this.#spots.find((one) => one.what === part.what)
    if ((what !== null && what !== part.what) || (!spot && manifest.parts.length > 1)) {
      this.leftOut.add(part.what)
      return null
    }
    if (!spot) throw nothingFits(`it holds "${part.what}", and this card has ${this.#names()}`)
    checkSpot(spot)
    if (!spot.forms.includes(part.form))
      throw nothingFits(`its "${part.what}" has a form ("${part.form}") that does not fit ${spot.title}`)
    return { spot, part, path: path.slice(top.length + 1), isPartial: manifest.only.length > 0 }
  }

  #unlisted(path: string): Omit<Place, 'isAbove'> {
    this.#foreign ??= this.#foreignPlace(path)
    const { spot, top, isPartial } = this.#foreign
    if (top !== null && topOf(path) !== top)
      throw nothingFits(`it has no list of Livecard, and more than the folder "${top}" at its top ("${displayName(topOf(path))}")`)
    return { spot, part: null, path: top === null ? path : path.slice(top.length + 1), isPartial }
  }

  #foreignPlace(path: string): { spot: RestoreSpot; top: string | null; isPartial: boolean } {
    const { what } = this.#request
    const named = this.#spots.find((spot) => spot.what === topOf(path))
    const spot = what === null ? (path === '' ? this.#spots[0] : named) : this.#spots.find((one) => one.what === what)
    if (!spot) {
      const begins = path === '' ? 'it is not said where it goes' : `it begins with "${displayName(topOf(path))}"`
      throw nothingFits(`it has no list of Livecard, and ${begins}; this card has ${this.#names()}`)
    }
    checkSpot(spot)
    const top = path !== '' && topOf(path) === spot.what ? spot.what : null
    // One that was made of a whole folder begins with that folder.
    return { spot, top, isPartial: path !== (top ?? '') }
  }

  #chosen(path: string, inPart: string): 'in' | 'above' | 'out' {
    const { only } = this.#request
    if (only.length === 0) return 'in'
    const names = [path, inPart]
    const hits = only.filter((one) => names.some((name) => name === one || name.startsWith(`${one}/`)))
    for (const one of hits) this.#unmatched.delete(one)
    if (hits.length > 0) return 'in'
    return only.some((one) => names.some((name) => name === '' || one.startsWith(`${name}/`))) ? 'above' : 'out'
  }

  #names(): string {
    return this.#spots.length > 0
      ? this.#spots.map(({ what }) => `"${what}"`).join(', ')
      : 'no part that files can be put back into'
  }
}

function topOf(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}

function checkSpot({ title, problem }: RestoreSpot): void {
  if (problem === null) return
  throw new LivecardError('failed', 'restore-impossible', {
    message: `Nothing can be put back into ${title}: ${problem}.`,
    meaning: 'Nothing was changed.',
    next: '"livecard inspect" shows what is wrong with it; a repair may help.',
  })
}

export function nothingFits(why: string): LivecardError {
  return new LivecardError('failed', 'restore-does-not-fit', {
    message: `This archive does not fit this card: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Say with --what NAME which part of the card it is for, or take another archive.',
  })
}
