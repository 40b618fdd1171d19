/** The report as plain text, to paste into a message: what the screen says, in the same order. */
import type { Report } from '../../../native-helpers/contract.ts'
import { findingWords, format, t } from '../../i18n/index.ts'
import { worstFirst } from '../../state/card-health.ts'
import { healthWords, systemName } from './card-words.ts'

export function reportText(report: Report, name: string, seenAt: number): string {
  const words = t.card.text
  const { target, table } = report
  const size = target.size === null ? [] : [format.exact(target.size)]
  const head = [
    words.title(name),
    [target.path, t.card.kinds[target.kind], ...size, t.card.map.tables[table.type]].join(', '),
    format.date(seenAt),
    '',
    `${words.system}: ${systemName(report) ?? t.card.noSystem}`,
    `${words.health}: ${healthWords(report).word}`,
  ]
  const parts = [
    head,
    block(t.card.findings, findingLines(report)),
    block(words.partitions, partitionLines(report)),
    block(
      words.rooms,
      report.rooms.map((room) => `${room.title}: ${exactOf(room.usedBytes, room.totalBytes)}`),
    ),
    block(words.overlays, overlayLines(report)),
    block(words.kernels, kernelLines(report)),
    block(words.slots, slotLines(report)),
    block(
      words.facts,
      report.facts.map(({ label, value }) => `${label}: ${value}`),
    ),
    block(words.evidence, report.system?.evidence ?? []),
  ]
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)]
}

function exactOf(usedBytes: number, totalBytes: number): string {
  return `${format.number(usedBytes)} ${t.units.of} ${format.exact(totalBytes)}`
}

function findingLines({ findings }: Report): string[] {
  if (findings.length === 0) return [t.card.good]
  return worstFirst(findings).flatMap((finding) => {
    const { title, detail, meaning } = findingWords(finding)
    const place = finding.partition === null ? '' : ` (${t.card.onPartition(finding.partition)})`
    return [`${t.card.severities[finding.severity]}${place}: ${title} [${finding.id}]`, `  ${detail}`, `  ${meaning}`]
  })
}

function partitionLines({ partitions, table }: Report): string[] {
  const lines = partitions.map(({ number, role, start, size, used, fs, label, uuid, type }) =>
    [
      `${t.card.map.partition(number)}${role === null ? '' : ` (${role})`}`,
      `${t.card.details.start} ${format.exact(start)}`,
      format.exact(size),
      used === null ? null : t.card.map.used(format.exact(used)),
      fs,
      label,
      uuid,
      type === null ? null : `${t.card.details.type} ${type}`,
    ]
      .filter(Boolean)
      .join(', '),
  )
  return [...lines, ...table.problems.map((problem) => `${t.card.details.problem}: ${problem}`)]
}

function overlayLines({ overlays }: Report): string[] {
  return overlays.flatMap(({ path, kind, state, usedBytes, totalBytes, snapshot }) => {
    const status = snapshot?.dmsetupStatus ?? null
    return [
      `${path}: ${kind}, ${t.card.states[state]}, ${exactOf(usedBytes, totalBytes)}`,
      ...(status === null ? [] : [`${t.card.details.snapshot.status}: ${status}`]),
    ]
  })
}

function kernelLines({ kernels }: Report): string[] {
  const words = t.card.kernels
  return kernels.map(({ where, version, path, partition, starts, modules }) =>
    [
      `${words.where[where]}: ${version ?? words.versionUnknown}`,
      path,
      partition === null ? null : t.card.onPartition(partition),
      starts ? words.starts : null,
      words.modules[modules],
    ]
      .filter(Boolean)
      .join(', '),
  )
}

function slotLines({ slots }: Report): string[] {
  const words = t.card.slots
  return slots.map(({ title, starts, bootable, release }) =>
    [`${title}: ${release ?? words.releaseUnknown}`, bootable ? words.bootable : words.broken, starts ? words.starts : null]
      .filter(Boolean)
      .join(', '),
  )
}
