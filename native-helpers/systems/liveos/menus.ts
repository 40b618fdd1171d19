import type { Finding } from '../../contract-report.ts'
import { argumentValue, type BootEntry, maxConfigBytes } from '../../volumes/boot-config/entry.ts'
import { type GrubConfig, type GrubSearch, grubEntryNamed, grubPath, parseGrubCfg } from '../../volumes/boot-config/grub-cfg.ts'
import { parseSyslinux } from '../../volumes/boot-config/syslinux.ts'
import { findNode, type TreeNode } from '../../volumes/tree.ts'
import { textOf } from '../linux-root.ts'
import { attempt } from './attempt.ts'
import type { LiveFolder, LivePlace } from './live-folder.ts'

/** An entry of a boot menu that starts a live system. */
export interface LiveEntry {
  /** "syslinux/syslinux.cfg" */
  menu: string
  place: LivePlace
  entry: BootEntry
  /** The one that starts by itself. */
  starts: boolean
  kernel: BootFile | null
  initrds: BootFile[]
}

export interface BootFile {
  /** As the menu means it, from the root of its filesystem. */
  path: string
  place: LivePlace
  /** Null where there is none. */
  node: TreeNode | null
}

export interface Menus {
  entries: LiveEntry[]
  /** Files that hold a menu, whatever it starts. */
  files: { path: string; place: LivePlace; kind: 'syslinux' | 'grub' }[]
}

/** Of livecd-iso-to-disk, of Fedora's images up to lorax, and of kiwi. Names that were kept as *.prev are no menus. */
const syslinuxPaths = [
  'syslinux/syslinux.cfg',
  'syslinux/extlinux.conf',
  'extlinux/extlinux.conf',
  'boot/syslinux/syslinux.cfg',
  'boot/extlinux/extlinux.conf',
  'isolinux/isolinux.cfg',
  'boot/x86_64/loader/isolinux.cfg',
  'syslinux.cfg',
  'extlinux.conf',
]
const grubPaths = ['EFI/BOOT/grub.cfg', 'EFI/BOOT/BOOT.conf', 'EFI/fedora/grub.cfg', 'boot/grub2/grub.cfg', 'boot/grub/grub.cfg']

/** The menus of all filesystems of a card, and of folders that have one of their own on a stick with several systems. */
export function readMenus(places: readonly LivePlace[], folders: readonly LiveFolder[], findings: Finding[]): Menus {
  const menus: Menus = { entries: [], files: [] }
  for (const place of places) {
    const own = folders.filter((folder) => folder.place === place && folder.path !== '')
    const syslinux = [...syslinuxPaths, ...own.flatMap(({ path }) => syslinuxPaths.slice(0, 2).map((name) => `${path}/${name}`))]
    const each = (paths: readonly string[], add: (path: string, text: string) => void): void => {
      for (const path of paths) {
        attempt(findings, path, place.partition, () => {
          const text = textOf(place.tree, path, maxConfigBytes)
          if (text !== null) add(path, text)
        })
      }
    }
    each(syslinux, (path, text) => addSyslinux(menus, place, path, text))
    each(grubPaths, (path, text) => addGrub(menus, places, place, path, text))
  }
  return menus
}

function addSyslinux(menus: Menus, place: LivePlace, menu: string, text: string): void {
  const { entries, defaultLabel } = parseSyslinux(text)
  menus.files.push({ path: menu, place, kind: 'syslinux' })
  // DEFAULT may name the menu program instead; the menu then marks its first entry.
  const first = entries.find(({ label }) => label === defaultLabel) ?? entries[0]
  const parent = menu.split('/').slice(0, -1).join('/')
  const file = (written: string): BootFile => {
    const path = plainPath(written.startsWith('/') ? written : `${parent}/${written}`)
    return { path, place, node: fileAt(place, path) }
  }
  for (const entry of entries) {
    if (!startsLive(entry)) continue
    menus.entries.push({
      ...{ menu, place, entry, starts: entry === first },
      kernel: entry.kernel === null ? null : file(entry.kernel),
      initrds: entry.initrds.map(file),
    })
  }
}

function addGrub(menus: Menus, places: readonly LivePlace[], place: LivePlace, menu: string, text: string): void {
  const config = parseGrubCfg(text)
  menus.files.push({ path: menu, place, kind: 'grub' })
  const first = defaultOf(config)
  for (const entry of config.entries) {
    if (!startsLive(entry)) continue
    // A search that finds nothing leaves the filesystem that the menu lies in.
    const searched = [...config.searches, ...entry.searches].filter(({ sets }) => sets === 'root')
    const from = searched.reduce<LivePlace | null>((found, search) => placeFound(places, search) ?? found, null) ?? place
    const file = (written: string): BootFile => {
      const path = plainPath(grubPath(written).path)
      return { path, place: from, node: fileAt(from, path) }
    }
    menus.entries.push({
      ...{ menu, place, entry, starts: entry === first },
      kernel: entry.kernel === null ? null : file(entry.kernel),
      initrds: entry.initrds.map(file),
    })
  }
}

function defaultOf(config: GrubConfig): BootEntry | null {
  return (config.defaultEntry === null ? null : grubEntryNamed(config, config.defaultEntry)) ?? config.entries[0] ?? null
}

function placeFound(places: readonly LivePlace[], { by, value }: GrubSearch): LivePlace | null {
  const found = places.find(({ identity, tree }) => {
    if (by === 'file') return findNode(tree, value) !== null
    const named = by === 'uuid' ? identity?.uuid : identity?.label
    return named?.toLowerCase() === value.toLowerCase()
  })
  return found ?? null
}

function startsLive({ arguments: all }: BootEntry): boolean {
  return argumentValue(all, 'rd.live.image') !== null || (argumentValue(all, 'root') ?? '').startsWith('live:')
}

function plainPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function fileAt({ tree }: LivePlace, path: string): TreeNode | null {
  const node = findNode(tree, path)
  return node?.kind === 'file' ? node : null
}
