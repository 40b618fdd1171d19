import type { Report, ReportPartition } from '../contract-report.ts'
import { fit } from './words.ts'

/** What a picture is drawn with; ASCII where the terminal shows no more. */
export interface Strokes {
  full: string
  free: string
  /** Where it is not known how much is used. */
  open: string
  line: string
  side: string
  top: [string, string, string]
  bottom: [string, string, string]
  mark: string
  /** Where a name was cut. */
  cut: string
  /** What starts by itself. */
  arrow: string
}

export const unicodeStrokes: Strokes = {
  full: '█',
  free: '░',
  open: '·',
  line: '─',
  side: '│',
  top: ['┌', '┬', '┐'],
  bottom: ['└', '┴', '┘'],
  mark: '┊',
  cut: '…',
  arrow: '▶',
}
export const asciiStrokes: Strokes = {
  full: '#',
  free: '.',
  open: ' ',
  line: '-',
  side: '|',
  top: ['+', '+', '+'],
  bottom: ['+', '+', '+'],
  mark: '!',
  cut: '~',
  arrow: '>',
}

/** Room for a number with one digit and a blank beside it. */
const minCells = 3
/** Room for a number and some letters. */
const minNameCells = 7
/** A gap that is smaller is what aligning leaves over. */
const minGapShare = 0.005

interface Part {
  text: string
  bytes: number
  /** 0 … 1; null where it is not known. */
  used: number | 'unused' | null
}

/** The card from left to right, to scale as far as `columns` allow: what is too small to see gets three cells. Null where there is nothing to draw. */
export function partitionPicture(report: Report, columns: number, strokes: Strokes): string[] | null {
  const parts = partsOf(report)
  const room = columns - parts.length - 1
  if (parts.length === 0 || room < parts.length * minCells) return null
  const widths = share(
    parts.map(({ bytes }) => bytes),
    room,
  )
  const cells = parts.map((part, index) => ({ ...part, width: widths[index] ?? minCells }))
  const edge = ([left, middle, right]: [string, string, string]) =>
    left + cells.map(({ width }) => strokes.line.repeat(width)).join(middle) + right
  const row = (inside: string[]) => strokes.side + inside.join(strokes.side) + strokes.side
  return [
    edge(strokes.top),
    row(cells.map(({ text, width }) => fit(shortened(text, width), width, strokes.cut))),
    row(cells.map(({ used, width }) => fill(used, width, strokes))),
    edge(strokes.bottom),
  ]
}

/** Where a name would be a letter and a mark, its number says more. */
function shortened(text: string, cells: number): string {
  const [first = ''] = text.split(' ')
  return cells >= minNameCells || text.length <= cells ? text : /^\d+$/.test(first) ? first : ''
}

/** A bar with the mark at which it is called nearly full. */
export function roomBar(share: number, cells: number, strokes: Strokes, markAt = 0.8): string {
  const filled = Math.min(cells, Math.round(share * cells))
  const mark = Math.floor(markAt * cells)
  return Array.from({ length: cells }, (_, at) => (at < filled ? strokes.full : at === mark ? strokes.mark : strokes.free)).join('')
}

function fill(used: Part['used'], width: number, strokes: Strokes): string {
  if (used === null) return strokes.open.repeat(width)
  if (used === 'unused') return ' '.repeat(width)
  // What holds anything shows it.
  const filled = used > 0 ? Math.max(1, Math.round(used * width)) : 0
  return strokes.full.repeat(Math.min(width, filled)) + strokes.free.repeat(Math.max(0, width - filled))
}

function partsOf({ target, partitions }: Report): Part[] {
  const lying = drawn(partitions).sort((a, b) => a.start - b.start)
  const end = Math.max(target.size ?? 0, ...lying.map(({ start, size }) => start + size))
  const parts: Part[] = []
  let reached = 0
  const gap = (to: number) => {
    if (to - reached > end * minGapShare) parts.push({ text: 'unused', bytes: to - reached, used: 'unused' })
  }
  for (const partition of lying) {
    gap(partition.start)
    parts.push(partOf(partition))
    reached = Math.max(reached, partition.start + partition.size)
  }
  if (lying.length > 0) gap(end)
  return parts
}

/** An extended partition is drawn as what it holds; a volume around the partitions is not drawn where it has some. */
function drawn(partitions: readonly ReportPartition[]): ReportPartition[] {
  const inside = partitions.filter(({ number }) => number > 0)
  const logical = inside.some(({ number, type }) => number > 4 && type?.length === 2)
  const kept = inside.length === 0 ? [...partitions] : inside.filter(({ type }) => !(logical && isExtended(type)))
  return kept.filter(({ size }) => size > 0)
}

function isExtended(type: string | null): boolean {
  return type === '05' || type === '0F' || type === '85'
}

function partOf({ number, size, used, role, label, partlabel, fs }: ReportPartition): Part {
  const name = role ?? label ?? partlabel ?? fs ?? ''
  return { text: `${number} ${name}`.trim(), bytes: size, used: used === null ? null : Math.min(1, used / size) }
}

/** Whole cells by size, none below the least; what that takes is given up by the others in proportion. */
function share(sizes: readonly number[], room: number): number[] {
  const fixed = new Set<number>()
  for (;;) {
    const free = room - fixed.size * minCells
    const total = sizes.reduce((sum, size, index) => sum + (fixed.has(index) ? 0 : size), 0)
    const exact = sizes.map((size, index) => (fixed.has(index) || total === 0 ? minCells : (size / total) * free))
    const small = exact.findIndex((cells, index) => !fixed.has(index) && cells < minCells)
    if (small < 0) return rounded(exact, room)
    fixed.add(small)
  }
}

/** Rounded so that the sum is what there is: the largest remainders get the cells that are left. */
function rounded(exact: readonly number[], room: number): number[] {
  const cells = exact.map(Math.floor)
  const order = exact.map((value, index) => ({ index, rest: value - Math.floor(value) })).sort((a, b) => b.rest - a.rest)
  let left = room - cells.reduce((sum, count) => sum + count, 0)
  for (const { index } of order) {
    if (left <= 0) break
    cells[index] = (cells[index] ?? 0) + 1
    left -= 1
  }
  return cells
}
