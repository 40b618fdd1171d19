import type { PublishedSum } from '../contract.ts'
import { parseSums, type SumLine } from './sum-text.ts'

/** Gives a small file that lies beside the image, or null when there is none. */
export type Beside = (name: string) => Promise<Uint8Array | null>

export interface Sidecars {
  sums: PublishedSum[]
  /** The name of the block map beside the image. */
  bmap: string | null
}

const packedEnding = /\.(gz|bz2|xz|zst|zip)$/i
const sumEndings = ['.sha256', '.sha256sum', '.md5', '.md5sum']
const sumLists = ['SHA256SUMS', 'SHA256SUMS.txt', 'sha256sum.txt', 'sha256sums.txt', 'MD5SUMS', 'md5sum.txt']

/** The names that an image and what comes out of it may have: `card.img.xz` gives `card.img`. */
interface Names {
  file: string
  content: string | null
}

/** Looks at the few names under which checksums and block maps are published. */
export async function findSidecars(fileName: string, memberName: string | null, beside: Beside): Promise<Sidecars> {
  const stripped = packedEnding.test(fileName) ? fileName.replace(packedEnding, '') : null
  const names: Names = { file: fileName, content: stripped }
  const owners = [fileName, ...(stripped === null ? [] : [stripped])]
  const lookups: Promise<PublishedSum[]>[] = []
  for (const owner of owners) {
    for (const ending of sumEndings) lookups.push(ownSums(names, owner, `${owner}${ending}`, beside))
  }
  const listed = memberName === null ? names : { ...names, content: memberName.split('/').at(-1) ?? memberName }
  for (const list of sumLists) lookups.push(listedSums(listed, list, beside))
  const [bmap, ...sums] = await Promise.all([findBmap(owners, beside), ...lookups])
  return { sums: withoutRepetition(sums.flat()), bmap }
}

/** A checksum file for one image. The image may have been renamed since, so a single sum counts whatever name stands behind it. */
async function ownSums(names: Names, owner: string, sidecar: string, beside: Beside): Promise<PublishedSum[]> {
  const lines = await readSums(sidecar, beside)
  const named = lines.flatMap((line) => published(names, line, sidecar))
  if (named.length > 0) return named
  const [only, ...others] = lines
  if (only === undefined || others.length > 0) return []
  // A sum beside the packed file may be meant for either; one beside the unpacked name can only be meant for the content.
  const of = owner === names.content ? 'content' : names.content === null ? 'file' : 'either'
  return [{ algorithm: only.algorithm, value: only.value, of, from: sidecar }]
}

/** A list of the checksums of many files: only lines with the right name count. */
async function listedSums(names: Names, list: string, beside: Beside): Promise<PublishedSum[]> {
  return (await readSums(list, beside)).flatMap((line) => published(names, line, list))
}

function published(names: Names, line: SumLine, from: string): PublishedSum[] {
  const of = line.name === names.file ? 'file' : line.name !== null && line.name === names.content ? 'content' : null
  return of === null ? [] : [{ algorithm: line.algorithm, value: line.value, of, from }]
}

async function readSums(name: string, beside: Beside): Promise<SumLine[]> {
  const bytes = await beside(name)
  return bytes === null ? [] : parseSums(bytes)
}

/** `X.bmap`, also for the unpacked name, and bmaptool's `card.bmap` for `card.img`. */
async function findBmap(owners: string[], beside: Beside): Promise<string | null> {
  const last = owners.at(-1) ?? ''
  const stem = last.replace(/\.[^.]+$/, '')
  const candidates = [...new Set([...owners, stem])].map((name) => `${name}.bmap`)
  const found = await Promise.all(candidates.map(async (name) => ({ name, bytes: await beside(name) })))
  return found.find(({ bytes }) => bytes !== null && isBmap(bytes))?.name ?? null
}

function isBmap(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 8192)).toString('latin1').includes('<bmap')
}

function withoutRepetition(sums: PublishedSum[]): PublishedSum[] {
  const key = ({ algorithm, value, of }: PublishedSum) => `${algorithm} ${value} ${of}`
  return [...new Map(sums.toReversed().map((sum) => [key(sum), sum])).values()].toReversed()
}
