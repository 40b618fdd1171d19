import { decimalSize } from '../drives/name.ts'

export { decimalSize }

export function speed(bytesPerSecond: number): string {
  return `${decimalSize(Math.round(bytesPerSecond))}/s`
}

/** "45 s", "1 min 20 s", "2 h 5 min": two parts are as much as anybody plans with. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return join(Math.floor(whole / 60), 'min', whole % 60, 's')
  return join(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min')
}

/** How long something took: with tenths where they are seen. */
export function took(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** Columns as wide as their longest cell; `right` names the columns that are numbers. */
export function table(rows: string[][], right: number[] = []): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))))
  return rows.map((row) =>
    widths
      .map((size, column) => {
        const cell = row[column] ?? ''
        const space = ' '.repeat(size - width(cell))
        return right.includes(column) ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}

const segmenter = new Intl.Segmenter()

/** Text for so many cells: filled with blanks, or cut with a mark. */
export function fit(text: string, cells: number, mark = '…'): string {
  if (width(text) <= cells) return text + ' '.repeat(cells - width(text))
  const cut = start(text, cells - 1)
  return cells > 0 ? cut + mark + ' '.repeat(cells - 1 - width(cut)) : ''
}

/** As much of the start of a text as so many cells hold. */
function start(text: string, cells: number): string {
  let cut = ''
  for (const { segment } of segmenter.segment(text)) {
    if (width(cut) + width(segment) > cells) break
    cut += segment
  }
  return cut
}

/** A line in several where it is too long: it keeps the blanks at its start, and what follows stands `hang` cells further in. Longer words are cut. */
export function fold(line: string, columns: number, hang = 0): string[] {
  const lead = /^ */.exec(line)?.[0] ?? ''
  const lines: string[] = []
  let open = ''
  const room = () => columns - lead.length - (lines.length === 0 ? 0 : hang)
  for (const word of line.slice(lead.length).split(' ')) {
    let rest = word
    if (open !== '' && width(open) + 1 + width(rest) > room()) {
      lines.push(open)
      open = ''
    }
    while (open === '' && width(rest) > room()) {
      const cut = start(rest, room())
      lines.push(cut)
      rest = rest.slice(cut.length)
    }
    open = open === '' ? rest : `${open} ${rest}`
  }
  if (open !== '' || lines.length === 0) lines.push(open)
  return lines.map((text, index) => (lead + (index === 0 ? '' : ' '.repeat(hang)) + text).trimEnd())
}

/** Cells of a terminal: a letter with its accents is one, a wide one of East Asia two. */
export function width(text: string): number {
  let cells = 0
  for (const { segment } of segmenter.segment(text))
    cells += /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(
      segment,
    )
      ? 2
      : 1
  return cells
}

/** Breaks text at spaces; every line after the first starts with `indent`. */
export function wrap(text: string, columns: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const start = lines.length === 0 ? '' : indent
    if (line !== '' && width(start) + width(line) + 1 + width(word) > columns) {
      lines.push(start + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push((lines.length === 0 ? '' : indent) + line)
  return lines.join('\n')
}
