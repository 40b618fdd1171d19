/** How a card, its health and its parts are called: on the screen, in the left part and in the copied report. */
import type { Report, ReportOverlay, ReportPartition } from '../../../native-helpers/contract.ts'
import type { MarkKind } from '../../components/mark.tsx'
import { format, t } from '../../i18n/index.ts'
import { type Health, healthOf } from '../../state/card-health.ts'
import type { MapPiece } from '../../state/card-map.ts'
import { fileName } from '../../state/image.ts'

const marks: Record<Health['state'], MarkKind | null> = {
  repair: 'bad',
  problems: 'bad',
  room: 'warn',
  warnings: 'warn',
  healthy: 'good',
  unknown: null,
}

export function healthWords(report: Report): { word: string; mark: MarkKind | null } {
  const health = healthOf(report)
  const word = 'count' in health ? t.card.health[health.state](health.count) : t.card.health[health.state]
  return { word, mark: marks[health.state] }
}

/** "Sugar on a Stick 10", "Lampone Pi, GPT layout"; null where no system was recognised. */
export function systemName({ system }: Report): string | null {
  if (system === null) return null
  return system.generation === null ? system.name : `${system.name}, ${system.generation}`
}

/** For the left part: how it is first, since the end of the line is cut where it is long. */
export function cardLine(report: Report): { word: string; mark: MarkKind | null } {
  const { word, mark } = healthWords(report)
  if (report.system === null && mark === null) return { word: t.card.noSystem, mark }
  return { word: `${word} · ${report.system?.name ?? t.card.noSystem}`, mark }
}

export function partitionName({ role, label, partlabel, number }: ReportPartition): string {
  return capitalised(role ?? '') || label || partlabel || t.card.map.partition(number)
}

export function capitalised(text: string): string {
  return text.slice(0, 1).toLocaleUpperCase() + text.slice(1)
}

/** What stands on a piece of the map, and the whole of it, which begins with the same words. */
export function pieceWords(piece: MapPiece): { name: string; detail: string; text: string } {
  const { partition, overlay, sizeBytes } = piece
  const size = format.size(sizeBytes)
  if (partition === null) return { name: t.card.map.gap, detail: size, text: `${t.card.map.gap} ${size}` }
  const name = nameOf(piece, partition)
  const state = overlay === null || overlay.state === 'ok' ? null : t.card.states[overlay.state]
  const isPart = piece.kind !== 'partition'
  const detail = [size, state ?? (isPart ? null : partition.fs)].filter(Boolean).join(' · ')
  const isWhole = !isPart && sizeBytes === partition.size
  const facts = [
    partition.number === 0 ? null : t.card.onPartition(partition.number),
    isWhole && partition.used !== null ? t.card.map.used(format.sizeOf(partition.used, partition.size)) : null,
    isPart && overlay !== null ? t.card.map.used(format.sizeOf(overlay.usedBytes, overlay.totalBytes)) : null,
    !isPart && state !== null ? partition.fs : null,
    !isPart && partition.label && partition.label !== name ? t.card.map.labelled(partition.label) : null,
    piece.startBytes === null ? null : t.card.map.startsAt(format.size(piece.startBytes)),
  ].filter(Boolean)
  return { name, detail, text: facts.length === 0 ? `${name} ${detail}` : `${name} ${detail}: ${facts.join(', ')}` }
}

function nameOf({ kind, overlay }: MapPiece, partition: ReportPartition): string {
  if (kind === 'files') return t.card.map.files
  if (kind === 'overlay') return overlay === null || overlay.kind === 'dm-snapshot' ? t.card.map.overlay : fileName(overlay.path)
  if (kind === 'rest') return t.card.map.restOn(partition.label ?? partitionName(partition))
  return overlay !== null && partition.role === null ? t.card.map.overlay : partitionName(partition)
}

export function isIll(state: ReportOverlay['state']): boolean {
  return state !== 'ok' && state !== 'nearly-full'
}
