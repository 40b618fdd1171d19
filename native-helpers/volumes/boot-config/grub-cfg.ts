import { type BootEntry, kernelArguments } from './entry.ts'
import { expanded, type GrubStatement, type GrubWord, parseGrubScript } from './grub-script.ts'

/** `search` looks for a filesystem, and takes the first that fits. */
export interface GrubSearch {
  by: 'uuid' | 'label' | 'file'
  value: string
  /** Which variable gets the answer, "root" where nothing is said; null where it is only printed. */
  sets: string | null
  hints: string[]
}

export interface GrubEntry extends BootEntry {
  /** What `default`, `fallback` and grubenv may call it, besides its place and its title. */
  id: string | null
  /** "1", or "2>0" for the first one of the submenu at place 2: as `default` counts. */
  place: string
  searches: GrubSearch[]
  /** Other configurations that it goes on with. */
  sources: string[]
  /** The value of `root` that it sets itself. */
  root: string | null
}

export interface GrubConfig {
  entries: GrubEntry[]
  /** As written, a place, title or id; null where nothing is said, which stands for the first. Conditions are not looked at: the last one counts. */
  defaultEntry: string | null
  /** Places or titles to try one after the other. */
  fallbacks: string[]
  /** Takes its default from grubenv: `saved_entry` or, once, `next_entry`. */
  readsSavedEntry: boolean
  readsNextEntry: boolean
  timeoutSeconds: number | null
  /** Outside of entries. */
  searches: GrubSearch[]
  sources: string[]
  /** Has entries in files of their own (Boot Loader Specification). */
  usesLoaderEntries: boolean
}

const maxEntries = 1000
const maxValueLength = 512

interface Scope {
  entries: GrubEntry[]
  searches: GrubSearch[]
  sources: string[]
}

/** The menu of a grub.cfg. Whatever the text, something is answered: a text that is no configuration has no entries. */
export function parseGrubCfg(text: string): GrubConfig {
  const config: GrubConfig = {
    entries: [],
    defaultEntry: null,
    fallbacks: [],
    readsSavedEntry: false,
    readsNextEntry: false,
    timeoutSeconds: null,
    searches: [],
    sources: [],
    usesLoaderEntries: false,
  }
  const variables = new Map<string, string>()
  readMenu(parseGrubScript(text), '', config, config, variables)
  return config
}

/** Entries count within their menu, submenus as one. */
function readMenu(
  statements: readonly GrubStatement[],
  prefix: string,
  config: GrubConfig,
  scope: Scope,
  variables: Map<string, string>,
): void {
  let place = 0
  for (const { words, block } of statements) {
    const [name = '', ...values] = words.map((word) => expanded(word, variables))
    if (name === 'menuentry' || name === 'hiddenentry') {
      if (config.entries.length < maxEntries) config.entries.push(entryOf(words, block ?? [], `${prefix}${place}`, variables))
      place += 1
    } else if (name === 'submenu') {
      readMenu(block ?? [], `${prefix}${place}>`, config, scope, variables)
      place += 1
    } else if (name === 'blscfg') config.usesLoaderEntries = true
    else if (name === 'set') readSet(words[1], config, variables)
    else readCommon(name, values, scope)
  }
}

function readSet(word: GrubWord | undefined, config: GrubConfig, variables: Map<string, string>): void {
  if (!word) return
  const written = expanded(word, new Map())
  if (/^default=/.test(written)) {
    if (/\$\{?saved_entry/.test(written)) config.readsSavedEntry = true
    if (/\$\{?next_entry/.test(written)) config.readsNextEntry = true
  }
  const assigned = assignment(expanded(word, variables))
  if (!assigned) return
  const { name, value } = assigned
  if (name === 'default' && !value.includes('$')) config.defaultEntry = value
  if (name === 'fallback') config.fallbacks = value.split(/\s+/).filter(Boolean)
  if (name === 'timeout' && /^-?\d{1,9}$/.test(value)) config.timeoutSeconds = Number(value)
  if (value.length <= maxValueLength) variables.set(name, value)
}

function assignment(text: string): { name: string; value: string } | null {
  const match = /^(\w+)=([\s\S]*)$/.exec(text)
  return match ? { name: match[1] ?? '', value: match[2] ?? '' } : null
}

function readCommon(name: string, values: readonly string[], scope: Pick<Scope, 'searches' | 'sources'>): void {
  if (name === 'search' || name.startsWith('search.')) {
    const search = searchOf(name, values)
    if (search) scope.searches.push(search)
  } else if (name === 'source' || name === '.' || name === 'configfile') {
    if (values[0]) scope.sources.push(values[0])
  }
}

const valued = new Set(['--class', '--users', '--hotkey', '--source', '--id'])

function entryOf(
  words: readonly GrubWord[],
  block: readonly GrubStatement[],
  place: string,
  outer: ReadonlyMap<string, string>,
): GrubEntry {
  const variables = new Map(outer)
  // Where GRUB knows `--id`, this variable holds it (util/grub.d/00_header.in).
  variables.set('menuentry_id_option', '--id')
  const entry: GrubEntry = {
    title: '',
    id: null,
    place,
    kernel: null,
    initrds: [],
    arguments: [],
    searches: [],
    sources: [],
    root: null,
  }
  const head = words.slice(1).map((word) => expanded(word, variables))
  let titled = false
  for (let at = 0; at < head.length; at += 1) {
    const word = head[at] ?? ''
    if (valued.has(word)) {
      if (word === '--id') entry.id = head[at + 1] ?? null
      at += 1
    } else if (word.startsWith('--id=')) entry.id = word.slice('--id='.length)
    else if (!word.startsWith('--') && !titled) {
      entry.title = word
      titled = true
    }
  }
  for (const { words: command } of block) {
    const [name = '', ...values] = command.map((word) => expanded(word, variables))
    if (/^linux(16|efi)?$/.test(name)) {
      entry.kernel = values[0] ?? null
      entry.arguments = kernelArguments(values.slice(1).map(requoted).join(' '))
    } else if (/^initrd(16|efi)?$/.test(name)) entry.initrds = values.filter((value) => !value.startsWith('--'))
    else if (name === 'set') {
      const assigned = assignment(values[0] ?? '')
      if (assigned && assigned.value.length <= maxValueLength) variables.set(assigned.name, assigned.value)
      if (assigned?.name === 'root') entry.root = assigned.value
    } else readCommon(name, values, entry)
  }
  return entry
}

function requoted(word: string): string {
  return /\s/.test(word) ? `"${word}"` : word
}

const searchKinds = new Map<string, GrubSearch['by']>([
  ['--fs-uuid', 'uuid'],
  ['-u', 'uuid'],
  ['--label', 'label'],
  ['-l', 'label'],
  ['--fs-label', 'label'],
  ['--file', 'file'],
  ['-f', 'file'],
])

/** grub-core/commands/search_wrap.c; `search.fs_uuid UUID root hint…` is the older form. */
function searchOf(name: string, values: readonly string[]): GrubSearch | null {
  const older = { 'search.fs_uuid': 'uuid', 'search.fs_label': 'label', 'search.file': 'file' }[name] as
    | GrubSearch['by']
    | undefined
  if (older) return values[0] ? { by: older, value: values[0], sets: values[1] ?? null, hints: values.slice(2) } : null
  let by: GrubSearch['by'] = 'file'
  let sets: string | null = null
  const hints: string[] = []
  const rest: string[] = []
  for (let at = 0; at < values.length; at += 1) {
    const word = values[at] ?? ''
    const kind = searchKinds.get(word)
    if (kind) by = kind
    else if (word === '--set' || word === '-s') sets = 'root'
    else if (word.startsWith('--set=')) sets = word.slice('--set='.length)
    else if (/^--hint(-\w+)?=/.test(word)) hints.push(word.slice(word.indexOf('=') + 1))
    else if (/^(--hint(-\w+)?|-h)$/.test(word)) {
      at += 1
      if (values[at]) hints.push(values[at] ?? '')
    } else if (!word.startsWith('-')) rest.push(word)
  }
  // `--set root UUID`: a name before the value, which is the last.
  const value = rest.at(-1)
  if (sets === 'root' && rest.length > 1 && values.some((word) => word === '--set' || word === '-s')) sets = rest[0] ?? sets
  return value ? { by, value, sets, hints } : null
}

/** The entry that a `default`, `fallback` or grubenv names: by place, id or title, and the same within submenus ("2>0"). */
export function grubEntryNamed(config: GrubConfig, name: string): GrubEntry | null {
  const byPlace = config.entries.find(({ place }) => place === name)
  return byPlace ?? config.entries.find(({ id, title }) => id === name || title === name) ?? null
}

/** "(hd0,gpt2)/boot/vmlinuz" as its device and its path; a path alone is on the device of `root`. */
export function grubPath(written: string): { device: string | null; path: string } {
  const match = /^\(([^)]*)\)(.*)$/.exec(written)
  return match ? { device: match[1] ?? '', path: match[2] ?? '' } : { device: null, path: written }
}
