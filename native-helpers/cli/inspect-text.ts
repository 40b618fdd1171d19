import type { Finding, Report, ReportKernel, ReportOverlay, ReportRoom, ReportSlot, Severity } from '../contract-report.ts'
import { asciiStrokes, partitionPicture, roomBar, type Strokes } from './inspect-picture.ts'
import { remedyText } from './remedies.ts'
import { decimalSize, fold, table, took } from './words.ts'

const narrowest = 60
const widest = 200
/** Longer lines of prose are hard to read. */
const widestProse = 110
const marks: Record<Severity, { sign: string; ascii: string; word: string }> = {
  error: { sign: '✗', ascii: 'x', word: 'ERROR' },
  warning: { sign: '!', ascii: '!', word: 'WARNING' },
  info: { sign: 'i', ascii: 'i', word: 'NOTE' },
}

/** A report for people, as wide as the terminal: what it is, what is wrong, what is on it. */
export function reportText(report: Report, columns: number, strokes: Strokes): string {
  const width = Math.min(widest, Math.max(narrowest, columns))
  const blocks = [
    headText(report),
    ...report.findings.map((finding) => findingText(finding, report, width, strokes)),
    partitionsText(report, width, strokes),
    section('Room', roomRows(report.rooms, width, strokes)),
    section('Changes kept on the card', report.overlays.flatMap(overlayLines)),
    section('Kernels', kernelLines(report.kernels, strokes)),
    section('What can start', slotLines(report.slots, strokes)),
    section('Details', factLines(report.facts, width)),
    `Read ${decimalSize(report.reading.bytesRead)} in ${took(report.reading.milliseconds / 1000)}. Nothing was changed.`,
  ]
  return blocks
    .filter((block) => block !== '')
    .flatMap((block) => [...block.split('\n').flatMap((line) => fold(line, width, 2)), ''])
    .join('\n')
    .trimEnd()
}

const targetWords: Record<Report['target']['kind'], string> = {
  drive: 'the drive',
  image: 'the card image',
  folder: 'the stick at',
  overlay: 'the overlay',
}

function headText({ target, system, findings }: Report): string {
  const what = system
    ? [system.name, system.generation].filter((part) => part !== null).join(', ')
    : 'No system that Livecard knows'
  const size = target.size === null ? '' : `, ${decimalSize(target.size)}`
  return `${what}\nOn ${targetWords[target.kind]} ${target.path}${size}\n${summary(findings)}`
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const parts = [counted(count('error'), 'error'), counted(count('warning'), 'warning'), counted(count('info'), 'note')].filter(
    Boolean,
  )
  return parts.length > 0 ? parts.join(', ') : 'Nothing is wrong with it, as far as can be seen without starting it.'
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`
}

function findingText(
  { severity, title, detail, meaning, remedy, id }: Finding,
  { target }: Report,
  width: number,
  strokes: Strokes,
): string {
  const { sign, ascii, word } = marks[severity]
  const prose = Math.min(width, widestProse)
  const mark = strokes === asciiStrokes ? ascii : sign
  return [
    ...fold(`${mark} ${word}: ${title} [${id}]`, prose, 4),
    ...fold(`    ${detail}`, prose),
    ...fold(`    ${meaning}`, prose),
    ...(remedy === null ? [] : [`    What helps: ${remedyText(remedy, target.path)}`]),
  ].join('\n')
}

/** Less behind the last partition is what aligning leaves over. */
const minTailShare = 0.005

function partitionsText(report: Report, width: number, strokes: Strokes): string {
  const { table: parts, partitions } = report
  if (partitions.length === 0) return ''
  const kind = parts.type === 'none' ? 'no partition table' : parts.type.toUpperCase()
  const picture = partitionPicture(report, width, strokes)
  const rows = partitions.map(({ number, role, size, fs, label, partlabel, used }) => [
    `  ${number}`,
    role ?? partlabel ?? '',
    decimalSize(size),
    fs ?? '?',
    label ? `"${label}"` : '',
    used === null ? '' : `${decimalSize(used)} used`,
  ])
  if (parts.unusedTail > (report.target.size ?? 0) * minTailShare)
    rows.push(['', 'unused', decimalSize(parts.unusedTail), '', '', ''])
  return [`Partitions (${kind})`, ...(picture ?? []), ...table(rows, [0, 2])].join('\n')
}

const longestBar = 40

function roomRows(rooms: readonly ReportRoom[], width: number, strokes: Strokes): string[] {
  const titles = Math.min(28, Math.max(0, ...rooms.map(({ title }) => title.length)))
  const bar = Math.min(longestBar, Math.max(10, width - titles - 34))
  return rooms.flatMap(({ title, usedBytes, totalBytes, note }) => {
    const share = totalBytes === 0 ? 0 : usedBytes / totalBytes
    // Rounded down, so that 100 % is only what is full.
    const percent = `${Math.floor(share * 100)} %`.padStart(5)
    const line = `  ${title.padEnd(titles)} ${roomBar(share, bar, strokes)} ${percent}  ${decimalSize(usedBytes)} of ${decimalSize(totalBytes)}`
    return [line, ...(note === null ? [] : fold(`    ${note}`, Math.min(width, widestProse)))]
  })
}

const kindWords: Record<ReportOverlay['kind'], string> = {
  'dm-snapshot': 'snapshot store',
  'overlayfs-image': 'folders in an image of their own',
  'overlayfs-dir': 'folders on the stick',
  'ext4-rw': 'a partition of their own',
}

function overlayLines({ path, partition, kind, state, usedBytes, totalBytes, snapshot, filesystem }: ReportOverlay): string[] {
  const where = partition === null ? path : `partition ${partition}: ${path}`
  const lines = [`  ${where} (${kindWords[kind]}): ${state}, ${decimalSize(usedBytes)} of ${decimalSize(totalBytes)}`]
  if (snapshot) {
    const { dmsetupStatus, exceptions, freeChunks, chunkSectors } = snapshot
    const status = dmsetupStatus === null ? '' : `; a kernel would say: ${dmsetupStatus}`
    lines.push(`    ${exceptions} chunks of ${chunkSectors * 512} bytes changed, ${freeChunks} more fit${status}`)
  }
  if (filesystem) {
    const { type, clean, needsRecovery, usedBytes: used, totalBytes: total } = filesystem
    const health = needsRecovery ? 'not unmounted' : clean ? 'clean' : 'with errors'
    lines.push(`    As the system sees it: ${type}, ${health}, ${decimalSize(used)} of ${decimalSize(total)} used`)
  }
  return lines
}

const placeWords: Record<ReportKernel['where'], string> = {
  system: 'system',
  kernel: 'kernel partition',
  'slot-a': 'slot A',
  'slot-b': 'slot B',
  'root-a': 'root A',
  'root-b': 'root B',
  boot: 'boot partition',
  module: 'module',
}

function kernelLines(kernels: readonly ReportKernel[], strokes: Strokes): string[] {
  if (kernels.length === 0) return []
  const rows = kernels.map(({ where, version, modules, starts, path }) => [
    `${starts === true ? strokes.arrow : ' '} ${placeWords[where]}`,
    version ?? 'version not known',
    modules,
    path,
  ])
  const lines = table([['  WHERE', 'VERSION', 'MODULES', 'FILE'], ...rows])
  return kernels.some(({ starts }) => starts === true) ? [...lines, `  (${strokes.arrow} starts by itself)`] : lines
}

function slotLines(slots: readonly ReportSlot[], strokes: Strokes): string[] {
  return table(
    slots.map(({ title, starts, bootable, release }) => [
      `${starts === true ? strokes.arrow : ' '} ${title}`,
      bootable ? 'can start' : 'CANNOT START',
      release ?? '',
    ]),
  )
}

const longestLabel = 30

/** Each value beside its label, and below itself where it is long. */
function factLines(facts: Report['facts'], width: number): string[] {
  const column = Math.min(longestLabel, Math.max(0, ...facts.map(({ label }) => label.length))) + 2
  return facts.flatMap(({ label, value }) => fold(`  ${label.padEnd(column - 2)}  ${value}`, width, column))
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines].join('\n')
}
