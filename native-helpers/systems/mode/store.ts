import { startsWith } from '../../volumes/identity.ts'
import { pieceOf } from '../../volumes/piece.ts'
import { readSmallFile, type TreeNode, type VolumeTree } from '../../volumes/tree.ts'
import type { Usage } from '../../volumes/usage.ts'
import { attempt } from '../attempt.ts'
import type { Card } from '../system.ts'
import { chainKey, type ModuleName, parseModuleName } from './module-name.ts'

/** A directory with modules, on a stick or on this computer. */
export interface Store {
  /** Null for a folder of this computer. */
  partition: number | null
  /** Below the root: "live", "" for the root itself. */
  folder: string
  files: ModuleFile[]
  /** Of all files in the folder, whatever they are. */
  names: string[]
  lists: ModuleList[]
  /** Of the filesystem around it. */
  usage: Usage | null
}

export interface ModuleFile {
  file: string
  name: ModuleName
  node: TreeNode
}

/** Which images live-boot lays over each other, and in which order; later ones lie on top (live-boot, 9990-overlay.sh). */
export interface ModuleList {
  file: string
  entries: string[]
}

const magic = 'hsqs'
const maxFolders = 64
const maxModules = 1000
const maxListBytes = 64 * 1024

/** The directory with the most modules: the root of a volume, or one below it. Null where there is none with enough of them. */
export async function findStore(card: Card): Promise<Store | null> {
  const stores: Store[] = []
  if (card.folder) stores.push(...storesIn(card.folder, null, card.folderUsage))
  for (const volume of card.volumes) {
    if (!volume.identity || !readableKinds.has(volume.identity.type)) continue
    const { value: tree } = await volume.tree()
    const { value: found } = await attempt(() => tree && storesIn(tree, volume.number, volume.usage))
    stores.push(...(found ?? []))
  }
  return stores.sort((a, b) => b.files.length - a.files.length)[0] ?? null
}

/** What a stick for modules may have; an image in which there are files is not one. */
const readableKinds = new Set(['vfat', 'ext2', 'ext3', 'ext4', 'iso9660'])

function storesIn(tree: VolumeTree, partition: number | null, usage: Usage | null): Store[] {
  const { entries } = tree.root.list()
  const folders = entries.filter(({ kind }) => kind === 'directory').slice(0, maxFolders)
  return [tree.root, ...folders].flatMap((directory) => {
    const store = storeIn(tree, directory, partition, usage)
    return store ? [store] : []
  })
}

function storeIn(tree: VolumeTree, directory: TreeNode, partition: number | null, usage: Usage | null): Store | null {
  const { entries } = directory.list()
  const plain = entries.filter(({ kind }) => kind === 'file')
  const files = plain.flatMap((node) => {
    const name = parseModuleName(node.name)
    return name ? [{ file: node.name, name, node }] : []
  })
  if (files.length === 0) return null
  const lists = plain.filter(({ name }) => name.toLowerCase().endsWith('.module')).map((node) => readList(tree, directory, node))
  const store: Store = {
    partition,
    folder: directory.name,
    files: files.slice(0, maxModules),
    names: plain.map(({ name }) => name),
    lists,
    usage,
  }
  return isModuleStore(store) ? store : null
}

/** Images by MoDe's own ending, or by live-boot's together with a list and a chain: one squashfs alone is any live system. */
function isModuleStore({ files, lists }: Store): boolean {
  const own = files.filter(({ name }) => name.suffix === '.sqfs.img')
  if (own.length > 0) return lists.length > 0 || own.some(isSquashfs)
  const keys = new Set(files.map(({ name }) => chainKey(name.levels, name.architecture)))
  const hasChain = files.some(
    ({ name }) => name.levels.length > 1 && keys.has(chainKey(name.levels.slice(0, -1), name.architecture)),
  )
  return lists.length > 0 && hasChain && files.some(isSquashfs)
}

function isSquashfs({ node }: ModuleFile): boolean {
  const { value: device } = node.open()
  const head = device && pieceOf(device, 0, magic.length)
  return head !== null && startsWith(head, magic)
}

function readList(tree: VolumeTree, directory: TreeNode, node: TreeNode): ModuleList {
  const bytes = readSmallFile(tree, directory.name === '' ? node.name : `${directory.name}/${node.name}`, maxListBytes)
  const entries = Buffer.from(bytes ?? [])
    .toString('utf8')
    .split(/\s+/)
    .filter((entry) => entry !== '')
  return { file: node.name, entries: entries.slice(0, maxModules) }
}
