import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { ExtFiles } from '../../native-helpers/wasm/ext-files.ts'
import { type FileKind, kindOfMode } from '../../native-helpers/wasm/ext-types.ts'
import { decodeName } from '../../native-helpers/wasm/names.ts'
import { tool } from './tools.ts'

/** Everything that one can know of a file. */
export interface FileFacts {
  kind: FileKind
  permissions: string
  owner: string
  links: number
  sizeBytes: number
  allocatedBytes: number
  device: string
  /** Seconds and nanoseconds. */
  modified: string
  accessed: string
  /** The content's sha256, or where a link leads. */
  content: string
  xattrs: Record<string, string>
}

/** Which fields two trees cannot agree in: what is allocated depends on who wrote it, links from outside the tree, times that reading changes. */
export type Left = (keyof FileFacts)[]

/** Every path below a mounted folder, as the kernel sees it. "." is the folder itself. */
export function kernelFacts(folder: string): Map<string, FileFacts> {
  const facts = new Map<string, FileFacts>()
  const xattrs = kernelXattrs(folder)
  const visit = (path: Buffer, inside: string) => {
    const stat = lstatSync(path, { bigint: true })
    facts.set(inside, { ...factsOf(stat), content: kernelContent(path, stat), xattrs: xattrs.get(inside) ?? {} })
    if (!stat.isDirectory()) return
    for (const name of readdirSync(path, { encoding: 'buffer' }))
      visit(Buffer.concat([path, Buffer.from('/'), name]), `${inside}/${decodeName(name)}`)
  }
  visit(Buffer.from(folder), '.')
  return facts
}

function factsOf(stat: BigIntStats): Omit<FileFacts, 'content' | 'xattrs'> {
  const mode = Number(stat.mode)
  const kind = kindOfMode(mode)
  // As glibc's gnu_dev_major and gnu_dev_minor.
  const [major, minor] = [Number((stat.rdev >> 8n) & 0xfffn), Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n))]
  const time = (ns: bigint) => {
    const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
    return `${(ns - rest) / 1_000_000_000n} ${rest}`
  }
  return {
    kind,
    permissions: (mode & 0o7777).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    links: Number(stat.nlink),
    sizeBytes: kind === 'folder' ? 0 : Number(stat.size),
    allocatedBytes: Number(stat.blocks) * 512,
    device: kind === 'char' || kind === 'block' ? `${major}:${minor}` : '',
    modified: time(stat.mtimeNs),
    accessed: time(stat.atimeNs),
  }
}

function kernelContent(path: Buffer, stat: BigIntStats): string {
  if (stat.isSymbolicLink()) return decodeName(readlinkSync(path, { encoding: 'buffer' }))
  return stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''
}

/** What getfattr shows: "# file: path", then name=0xhex; odd bytes of a path as \ooo. */
function kernelXattrs(folder: string): Map<string, Record<string, string>> {
  const said = tool('sh', [
    '-c',
    'cd "$0" && getfattr --recursive --physical --no-dereference --dump --match=- --encoding=hex .',
    folder,
  ])
  const found = new Map<string, Record<string, string>>()
  let at: Record<string, string> = {}
  for (const line of said.split('\n')) {
    const file = /^# file: (.*)$/.exec(line)?.[1]
    if (file !== undefined) {
      at = {}
      const path = decodeName(Buffer.from(unescaped(file), 'latin1'))
      found.set(path === '.' ? '.' : `./${path.replace(/^\.\//, '')}`, at)
      continue
    }
    const [name = '', value = ''] = line.split('=')
    if (name !== '') at[name] = value.replace(/^0x/, '')
  }
  return found
}

/** As latin1, one character per byte. */
function unescaped(text: string): string {
  const bytes = Buffer.from(text).toString('latin1')
  return bytes.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The same through libext2fs in WebAssembly. */
export function moduleFacts(files: ExtFiles, top: number): Map<string, FileFacts> {
  const facts = new Map<string, FileFacts>()
  const visit = (inode: number, inside: string) => {
    const attributes = files.attributes(inode)
    const { kind } = attributes
    const hasDevice = kind === 'char' || kind === 'block'
    facts.set(inside, {
      kind,
      permissions: attributes.permissions.toString(8),
      owner: `${attributes.uid}:${attributes.gid}`,
      links: attributes.links,
      sizeBytes: kind === 'folder' ? 0 : attributes.sizeBytes,
      allocatedBytes: attributes.allocatedBytes,
      device: hasDevice ? `${attributes.major}:${attributes.minor}` : '',
      modified: `${attributes.modified.seconds} ${attributes.modified.nanoseconds}`,
      accessed: `${attributes.accessed.seconds} ${attributes.accessed.nanoseconds}`,
      content: moduleContent(files, inode, kind, attributes.sizeBytes),
      xattrs: Object.fromEntries([...files.xattrs(inode)].map(([name, value]) => [name, Buffer.from(value).toString('hex')])),
    })
    if (kind === 'folder') for (const entry of files.list(inode)) visit(entry.inode, `${inside}/${entry.name}`)
  }
  visit(top, '.')
  return facts
}

const zeros = Buffer.alloc(1 << 20)

function moduleContent(files: ExtFiles, inode: number, kind: FileKind, sizeBytes: number): string {
  if (kind === 'link') return files.linkTarget(inode)
  if (kind !== 'file') return ''
  const hash = createHash('sha256')
  let at = 0
  const fillTo = (end: number) => {
    for (; at < end; at += Math.min(zeros.length, end - at)) hash.update(zeros.subarray(0, Math.min(zeros.length, end - at)))
  }
  for (const { offset, bytes } of files.content(inode)) {
    fillTo(offset)
    hash.update(bytes)
    at = offset + bytes.length
  }
  fillTo(sizeBytes)
  return hash.digest('hex')
}

/** The paths at which two trees differ, and in what. */
export function treeDifferences(one: Map<string, FileFacts>, other: Map<string, FileFacts>, left: Left = []): string[] {
  const found: string[] = []
  for (const path of new Set([...one.keys(), ...other.keys()])) {
    const [a, b] = [one.get(path), other.get(path)]
    if (!a || !b) {
      found.push(`${path}: only in the ${a ? 'first' : 'second'}`)
      continue
    }
    for (const field of Object.keys(a) as (keyof FileFacts)[]) {
      if (left.includes(field)) continue
      const [mine, yours] = [a, b].map((facts) =>
        JSON.stringify(facts[field], field === 'xattrs' ? Object.keys({ ...a.xattrs, ...b.xattrs }).sort() : undefined),
      )
      if (mine !== yours) found.push(`${path}: ${field} ${mine} ${yours}`)
    }
  }
  return found
}
