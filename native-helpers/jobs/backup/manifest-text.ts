import type { Manifest } from '../../systems/archive/manifest.ts'
import { encodeTime } from '../../volumes/tar/pax.ts'
import type { BackupItem } from './items.ts'

type Head = Omit<Manifest, 'files'>

const unknownSum = '0'.repeat(64)
/** Where in a line of a file its sum stands: first, so that it is found whatever comes after. */
const sumStart = '{"sha256":'
const pieceChars = 256 * 1024

/**
 * The text of a manifest. The sums of contents are not known when it gets its place at the start of an archive: they are filled in one by one, and nothing of
 * that changes its length.
 */
export class ManifestText {
  /** In order; no line is in two of them. */
  readonly pieces: Buffer[] = []
  /** By the number of an item that is stored with a sum of its own: where in the text that stands. */
  readonly #sumAt: Float64Array
  #filled = 0
  #piece = 0
  /** Where that piece begins. */
  #pieceAt = 0

  constructor(head: Head, lists: readonly BackupItem[][]) {
    const places: number[] = []
    let text = `${JSON.stringify(head).slice(0, -1)},"files":[\n`
    let length = Buffer.byteLength(text)
    let between = ''
    for (const items of lists) {
      for (const item of items) {
        const line = `${between}${lineOf(item)}`
        if (hasOwnSum(item)) places.push(length + between.length + sumStart.length)
        between = ',\n'
        text += line
        length += Buffer.byteLength(line)
        if (text.length < pieceChars) continue
        this.pieces.push(Buffer.from(text))
        text = ''
      }
    }
    this.pieces.push(Buffer.from(`${text}\n]}\n`))
    this.#sumAt = Float64Array.from(places)
  }

  /** For the stored files in their order; null for one that could not be read whole. */
  fillNext(sha256: string | null): void {
    const at = this.#sumAt[this.#filled]
    if (at === undefined) throw new TypeError('there are more sums than places for them')
    this.#filled += 1
    let piece = this.pieces[this.#piece]
    for (; piece && at >= this.#pieceAt + piece.length; piece = this.pieces[this.#piece]) {
      this.#pieceAt += piece.length
      this.#piece += 1
    }
    piece?.write(sha256 === null ? 'null'.padEnd(unknownSum.length + 2) : `"${sha256}"`, at - this.#pieceAt, 'latin1')
  }
}

/** Whether its content is in this archive, once. */
export function hasOwnSum({ kind, link, unchanged }: BackupItem): boolean {
  return kind === 'file' && link === null && unchanged === null
}

function lineOf(item: BackupItem): string {
  const { path, kind, sizeBytes, modified, changed, link, unchanged } = item
  const sum = hasOwnSum(item) ? unknownSum : link === null ? (unchanged?.sha256 ?? null) : null
  const more = `${link === null ? '' : `,"link":${JSON.stringify(link)}`}${unchanged ? ',"stored":false' : ''}`
  const ctime = changed === null ? 'null' : `"${timeText(changed)}"`
  const shown = sum === null ? 'null' : `"${sum}"`
  return `${sumStart}${shown},"path":${JSON.stringify(path)},"kind":"${kind}","size":${sizeBytes},"mtime":"${timeText(modified)}","ctime":${ctime}${more}}`
}

function timeText(time: BackupItem['modified']): string {
  return Buffer.from(encodeTime(time)).toString('latin1')
}
