import { createHash, type Hash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import type { Inode } from '../../native-helpers/volumes/squashfs/inode.ts'
import type { Squashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { tool } from './tools.ts'

export type TreeFacts = Map<string, string>

function typeOf(stat: Stats): Inode['type'] {
  if (stat.isDirectory()) return 'folder'
  if (stat.isFile()) return 'file'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isBlockDevice()) return 'block-device'
  if (stat.isCharacterDevice()) return 'character-device'
  return stat.isFIFO() ? 'fifo' : 'socket'
}

interface Facts {
  type: Inode['type']
  mode: number
  owner: number
  group: number
  modifiedSeconds: number
  /** Of everything but folders, whose count of links each tool sees otherwise. */
  links: number
  device: string
  target: string
  sizeBytes: number
  sha256: string
  xattrs: string
}

const line = (facts: Facts) => Object.values({ ...facts, links: facts.type === 'folder' ? 0 : facts.links }).join(' ')

/** A line for everything below a folder, with all that can be known of it, as the kernel shows it. */
export function factsOfFolder(folder: string): TreeFacts {
  const found: TreeFacts = new Map()
  const xattrs = xattrsBelow(folder)
  const visit = (path: string) => {
    const whole = join(folder, path)
    const stat = lstatSync(whole)
    const type = typeOf(stat)
    const rdev = stat.rdev
    const isDevice = type === 'block-device' || type === 'character-device'
    const facts: Facts = {
      type,
      mode: stat.mode & 0o7777,
      owner: stat.uid,
      group: stat.gid,
      modifiedSeconds: Math.floor(stat.mtimeMs / 1000),
      links: stat.nlink,
      device: isDevice ? `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}` : '',
      target: type === 'symlink' ? readlinkSync(whole) : '',
      sizeBytes: type === 'file' ? stat.size : 0,
      sha256: type === 'file' ? createHash('sha256').update(readFileSync(whole)).digest('hex') : '',
      xattrs: xattrs.get(path) ?? '',
    }
    found.set(path, line(facts))
    if (type === 'folder') for (const name of readdirSync(whole)) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return found
}

/** "# file: path" and then "name=0x…" for each, as getfattr prints them. */
function xattrsBelow(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  let text = ''
  try {
    const how = ['--no-dereference', '--dump', '--match=-', '--encoding=hex', '--absolute-names']
    text = tool('getfattr', [...how, '--recursive', '--physical', folder])
  } catch (thrown) {
    // An image without the table for them is to the kernel a file system that has none.
    if (!String(thrown).includes('Operation not supported')) throw thrown
  }
  for (const part of text.split('\n\n')) {
    const [head, ...lines] = part.split('\n')
    const path = unescapeOctal(head?.replace('# file: ', '') ?? '')
    if (path) found.set(path.slice(folder.length + 1), lines.filter(Boolean).sort().join(' '))
  }
  return found
}

function unescapeOctal(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return text === bytes ? text : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** The same lines, as our reader sees them. */
export function factsOfImage(image: Squashfs): TreeFacts {
  const found: TreeFacts = new Map()
  for (const { path, inode } of image.walk()) {
    const isDevice = inode.type === 'block-device' || inode.type === 'character-device'
    const facts: Facts = {
      type: inode.type,
      mode: inode.mode,
      owner: inode.owner,
      group: inode.group,
      modifiedSeconds: inode.modifiedSeconds,
      links: inode.links,
      device: isDevice ? `${inode.major}:${inode.minor}` : '',
      target: inode.type === 'symlink' ? image.readlink(inode) : '',
      sizeBytes: inode.type === 'file' ? inode.sizeBytes : 0,
      sha256: inode.type === 'file' ? digest(image.fileDevice(inode)) : '',
      xattrs: image
        .xattrs(inode)
        .map(({ name, value }) => `${name}=0x${Buffer.from(value).toString('hex')}`)
        .sort()
        .join(' '),
    }
    found.set(path, line(facts))
  }
  return found
}

export function digest(device: BlockDevice, hash: Hash = createHash('sha256')): string {
  const window = new Uint8Array(300_000)
  for (let at = 0; at < device.size; at += window.length) {
    const part = window.subarray(0, Math.min(window.length, device.size - at))
    device.readSync(part, at)
    hash.update(part)
  }
  return hash.digest('hex')
}
