import type { Finding, Report, ReportPartition, Severity } from '../contract-report.ts'
import { type OpenedCard, problemOf } from './card.ts'
import { cardFindings } from './card-findings.ts'
import { cardHealth } from './card-health.ts'
import { jobsOn } from './card-jobs.ts'
import { found } from './finding.ts'
import { systems } from './index.ts'
import type { CardVolume, Description, Detection } from './system.ts'

/** The whole report on a card. Throws only where the card is gone; what cannot be read otherwise is told in the report. */
export async function readCard(card: OpenedCard): Promise<Report> {
  const findings = cardHealth(card)
  const detection = await detect(card, findings)
  if (!detection && card.kind === 'folder') findings.push(found(cardFindings, 'folder-unknown', `${card.path} was looked through.`))
  const described = detection && (await describe(detection, findings))
  const { kernels, overlays, rooms, slots, facts } = described ?? nothing
  return {
    format: 1,
    target: { kind: card.kind, path: card.path, size: card.device?.size ?? null, sectorSize: card.sectorSize },
    table: {
      type: card.table.type,
      id: card.table.id,
      problems: card.table.problems.map(({ detail }) => detail),
      unusedTail: card.table.unusedTail,
    },
    partitions: card.volumes.map((volume) => partition(volume, detection)),
    system: detection && { id: detection.id, name: detection.name, generation: detection.generation, evidence: detection.evidence },
    kernels,
    overlays,
    rooms,
    slots,
    findings: bySeverity([...findings.filter((one) => !isReplaced(one, described)), ...(described?.findings ?? [])]),
    jobs: jobsOn(card, detection),
    facts,
    reading: { bytesRead: card.bytesRead, milliseconds: Math.round(performance.now() - card.openedAt) },
  }
}

const nothing: Description = { kernels: [], overlays: [], rooms: [], slots: [], findings: [], facts: [] }

/** One that fails must not keep the others from being asked. */
async function detect(card: OpenedCard, findings: Finding[]): Promise<Detection | null> {
  for (const system of systems) {
    try {
      const detection = await system.detect(card)
      if (detection) return detection
    } catch (thrown) {
      findings.push(found(cardFindings, 'system-unread', `${problemOf(thrown).detail}.`))
    }
  }
  return null
}

async function describe(detection: Detection, findings: Finding[]): Promise<Description | null> {
  try {
    return await detection.describe()
  } catch (thrown) {
    findings.push(found(cardFindings, 'system-incomplete', `${detection.name}: ${problemOf(thrown).detail}.`))
    return null
  }
}

function partition(volume: CardVolume, detection: Detection | null): ReportPartition {
  const { number, startBytes, sizeBytes, type, partlabel, partuuid, identity, usage } = volume
  return {
    number,
    start: startBytes,
    size: sizeBytes,
    type,
    partlabel,
    partuuid,
    fs: identity?.type ?? null,
    label: identity?.label ?? null,
    uuid: identity?.uuid ?? null,
    used: usage?.usedBytes ?? null,
    role: detection?.roles.get(number) ?? null,
  }
}

function isReplaced({ id, partition }: Finding, described: Description | null): boolean {
  return described?.replaces?.some((one) => one.id === id && one.partition === partition) ?? false
}

const order: Record<Severity, number> = { error: 0, warning: 1, info: 2 }

function bySeverity(findings: Finding[]): Finding[] {
  return findings.sort((a, b) => order[a.severity] - order[b.severity])
}
