import { type BootEntry, configLines, kernelArguments } from './entry.ts'

export interface SyslinuxEntry extends BootEntry {
  label: string
  /** "MENU DEFAULT" stands in it. */
  menuDefault: boolean
}

export interface SyslinuxConfig {
  entries: SyslinuxEntry[]
  /** The label that starts by itself: of "MENU DEFAULT", else of "DEFAULT". Null where nothing is said. */
  defaultLabel: string | null
  /** Further files whose lines belong to it, in the order in which they are named. */
  includes: string[]
  /** In tenths of a second; 0 waits for ever. */
  timeoutTenths: number | null
}

const maxEntries = 1000
/** The ways to name what is started. Only the first two are Linux for certain, but "kernel" is what nearly all write. */
const kernelWords = new Set(['kernel', 'linux'])

interface Open {
  entry: SyslinuxEntry
  append: string | null
}

/** The menu of syslinux, isolinux or extlinux (syslinux wiki, "Config"): a keyword per line, in letters of any case. */
export function parseSyslinux(text: string): SyslinuxConfig {
  const includes: string[] = []
  const opens: Open[] = []
  let globalAppend = ''
  let defaultLabel: string | null = null
  let timeoutTenths: number | null = null
  for (const line of configLines(text)) {
    const match = /^\s*(\S+)\s*(.*?)\s*$/.exec(line)
    if (!match) continue
    const keyword = (match[1] ?? '').toLowerCase()
    const value = match[2] ?? ''
    if (keyword.startsWith('#')) continue
    const open = opens.at(-1)
    if (keyword === 'label') {
      if (opens.length >= maxEntries) break
      opens.push({
        append: null,
        entry: { label: value, title: value, kernel: null, initrds: [], arguments: [], menuDefault: false },
      })
    } else if (keyword === 'include') includes.push(value)
    else if (keyword === 'menu') readMenuLine(value, open, includes)
    else if (keyword === 'default') defaultLabel = value.split(/\s+/)[0] || null
    else if (keyword === 'timeout' && /^\d{1,9}$/.test(value)) timeoutTenths = Number(value)
    else if (keyword === 'append') {
      if (open) open.append = value
      else globalAppend = value
    } else if (open && keyword === 'initrd') open.entry.initrds = value.split(',').filter(Boolean)
    else if (open && kernelWords.has(keyword)) {
      const [kernel = '', ...more] = value.split(/\s+/)
      open.entry.kernel = kernel || null
      if (more.length > 0) open.append = `${more.join(' ')} ${open.append ?? ''}`
    }
  }
  const entries = opens.map(({ entry, append }) => finished(entry, append, globalAppend))
  // Often it is the menu itself that starts first.
  const started = defaultLabel?.toLowerCase().endsWith('.c32') ? null : defaultLabel
  const chosen = entries.find(({ menuDefault }) => menuDefault)?.label ?? started
  return { entries, defaultLabel: chosen, includes, timeoutTenths }
}

function readMenuLine(text: string, open: Open | undefined, includes: string[]): void {
  const [word = '', ...rest] = text.split(/\s+/)
  const value = rest.join(' ')
  switch (word.toLowerCase()) {
    case 'label':
      // "^" marks the letter that chooses it.
      if (open) open.entry.title = value.replace('^', '')
      break
    case 'default':
      if (open) open.entry.menuDefault = true
      break
    case 'include':
      if (rest[0]) includes.push(rest[0])
      break
  }
}

/** "append -" refuses the arguments that stand before the first label. "initrd=" among them names archives too. */
function finished(entry: SyslinuxEntry, append: string | null, globalAppend: string): SyslinuxEntry {
  const own = append === '-' ? '' : (append ?? globalAppend)
  const given = kernelArguments(own)
  const named = given.findLast(({ name }) => name === 'initrd')?.value
  const initrds = entry.initrds.length > 0 ? entry.initrds : (named ?? '').split(',').filter(Boolean)
  return { ...entry, initrds, arguments: given }
}
