import { LivecardError } from '../../errors.ts'
import type { TarEntry, TarKind } from '../../volumes/tar/entry.ts'
import { displayName, encodeName } from '../../wasm/names.ts'

/** As Linux has them: of a name, of a path, of what a link leads to. */
const mostBytes = { name: 255, path: 65_536, target: 4095 }
/** Each is remembered by its path while an archive is read. */
const mostMembers = 1_500_000

/**
 * What every archive has to keep to before anything of it is used, so that none of its members can come to lie anywhere but below its own folder: asked for
 * each member in turn. Throws `archive-member-refused` with the member's name.
 */
export class MemberRules {
  readonly #kinds = new Map<string, TarKind>()

  check({ kind, path, target }: TarEntry, writtenPath: string): void {
    const refuse = (why: string) => {
      throw memberRefused(writtenPath, why)
    }
    if (writtenPath.startsWith('/')) refuse('its path is an absolute one')
    if (writtenPath.split('/').includes('..')) refuse('its path leads upwards')
    if (path === '' && kind !== 'folder') refuse('it has no name')
    if (writtenPath.includes('\0') || target.includes('\0')) refuse('there is a zero byte in its name or its target')
    if (path.length > mostBytes.path || path.split('/').some((name) => name.length > mostBytes.name || tooLong(name)))
      refuse('its name is longer than names can be')
    if (this.#kinds.size >= mostMembers) refuse(`it is beyond the ${mostMembers} that are looked at`)
    if (this.#kinds.has(path)) refuse('there is another one of that name before it')
    this.#checkAbove(path, refuse)
    if (kind === 'link' && (target === '' || encodeName(target).length > mostBytes.target)) refuse('it leads nowhere')
    if (kind === 'hard-link') {
      const first = this.#kinds.get(target)
      if (target.split('/').includes('..') || first === undefined)
        refuse(`it is a further name of "${shown(target)}", which is not there before it`)
      if (first === 'folder') refuse(`it is a further name of the folder "${shown(target)}"`)
    }
    this.#kinds.set(path, kind)
  }

  /** What lies above it may be left out of an archive, but must not be anything else than a folder, now or later. */
  #checkAbove(path: string, refuse: (why: string) => void): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end)
      const kind = this.#kinds.get(above)
      if (kind === 'folder') return
      if (kind !== undefined) refuse(`"${shown(above)}" above it is no folder`)
      this.#kinds.set(above, 'folder')
    }
  }
}

function tooLong(name: string): boolean {
  return name.length * 3 > mostBytes.name && encodeName(name).length > mostBytes.name
}

function shown(path: string): string {
  return displayName(path).slice(0, 200)
}

export function memberRefused(path: string, why: string): LivecardError {
  return new LivecardError('data', 'archive-member-refused', {
    message: `The archive is refused for its member "${shown(path)}": ${why}.`,
    meaning: 'It was only read: nothing was changed on the card.',
    next: 'Do not trust this archive; take one that "livecard backup", GNU tar or bsdtar has made of a folder.',
  })
}
