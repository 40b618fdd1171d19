import type { Finding } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { openIso9660 } from '../../volumes/iso9660.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { found } from '../finding.ts'
import type { Card, CardVolume, Description } from '../system.ts'
import { checkKernels } from './check-kernels.ts'
import { checkMenus } from './check-menu.ts'
import { checkPersistence } from './check-persistence.ts'
import { checkTable } from './check-table.ts'
import { type LamponeFinding, lamponeFindings } from './findings.ts'
import { type IsoPart, openIsoPart } from './iso-part.ts'
import type { Layout } from './layout.ts'
import type { Union } from './modules.ts'
import { lookAtPersistence, type Persistence, sizeOfChanges } from './persistence.ts'
import { hasPublishedPassword, openSystemImage, type SystemImage } from './system-image.ts'
import { valueOr } from './tolerant.ts'

type Fact = Description['facts'][number]

/** A card of this family with everything in it that was opened, and what was found. */
export interface Look {
  system: IsoPart | null
  kernel: IsoPart | null
  persistence: Persistence | null
  union: Union
  description: Description
}

export async function lookAtCard(card: Card, layout: Layout): Promise<Look> {
  const { roles } = layout
  const findings = checkTable(card, layout)
  const system = await openPart(roles.get('system'), 'system-partition-unreadable', findings)
  const kernel = await openPart(roles.get('kernel'), 'kernel-partition-unreadable', findings)
  if (system && kernel && system.iso.uuid !== null && system.iso.uuid === kernel.iso.uuid) {
    const detail = `Partitions ${system.volume.number} and ${kernel.volume.number} both have the UUID ${system.iso.uuid}.`
    findings.push(found(lamponeFindings, 'iso-uuids-equal', detail))
  }
  const image = system && (await checkSystem(system, findings))
  const menus = await checkMenus({ boot: roles.get('boot') ?? null, volumes: card.volumes, system, kernel })
  const volume = roles.get('persistence')
  const persistence = volume ? await lookAtPersistence(volume) : null
  const seen = checkPersistence(persistence, card.volumes)
  const union = unionOf(persistence, image?.tree ?? null)
  const { kernels, findings: ofKernels } = await checkKernels({ system, kernel, starting: menus.starting, union })
  if (await valueOr(null, () => hasPublishedPassword(union.upper, union.lower))) {
    findings.push(found(lamponeFindings, 'root-password-public', 'It is "password", or there is none.'))
  }
  const all = [...findings, ...menus.findings, ...ofKernels, ...seen.findings]
  const description: Description = {
    kernels,
    overlays: seen.overlays,
    rooms: seen.rooms,
    slots: [],
    findings: all,
    replaces: replacedBy(all),
    facts: [
      ...(image?.release ? [{ label: 'System', value: image.release }] : []),
      ...(await valueOr([], () => isoFacts('System partition', system))),
      ...(await valueOr([], () => isoFacts('Kernel partition', kernel))),
      ...menus.facts,
      ...(await valueOr([], () => changesFacts(persistence))),
      ...sharedNames(system, kernel, volume),
    ],
  }
  return { system, kernel, persistence, union, description }
}

/** What these say better than what is told of any card. */
const betterThan: Partial<Record<LamponeFinding, string[]>> = {
  'persistence-cut-off': ['volume-cut-off', 'volume-damaged'],
  'persistence-damaged': ['volume-damaged', 'volume-ambiguous'],
  'persistence-encryption-damaged': ['volume-damaged'],
  'system-image-damaged': ['volume-cut-off'],
  'system-larger-than-partition': ['volume-cut-off'],
}

function replacedBy(findings: readonly Finding[]): { id: string; partition: number | null }[] {
  const lostEnd = findings.some(({ id }) => id === 'persistence-cut-off') ? [{ id: 'card-cut-off', partition: null }] : []
  const better = findings.flatMap(({ id, partition }) =>
    (betterThan[id as LamponeFinding] ?? []).map((other) => ({ id: other, partition })),
  )
  return [...lostEnd, ...better]
}

async function openPart(volume: CardVolume | undefined, id: LamponeFinding, findings: Finding[]): Promise<IsoPart | null> {
  const { value, problem } = volume ? await openIsoPart(volume) : { value: null, problem: { detail: 'there is no such partition' } }
  if (value) return value
  const where = volume ? `Partition ${volume.number}: ` : ''
  findings.push(found(lamponeFindings, id, sentence(`${where}${problem.detail}`), volume?.number ?? null))
  return null
}

/** The compressed system; what is wrong with it is told. */
async function checkSystem({ iso, volume }: IsoPart, findings: Finding[]): Promise<SystemImage | null> {
  const { value: image, problem } = await openSystemImage(iso)
  const [cutOff] = iso.problems
  if (problem) {
    findings.push(found(lamponeFindings, 'system-image-damaged', `Partition ${volume.number}: ${problem.detail}.`, volume.number))
  } else if (cutOff) {
    findings.push(
      found(lamponeFindings, 'system-larger-than-partition', `Partition ${volume.number}: ${cutOff.detail}.`, volume.number),
    )
  }
  return image
}

function unionOf(persistence: Persistence | null, lower: VolumeTree | null): Union {
  if (!persistence) return { upper: null, lower, upperHidden: false }
  if (persistence.state === 'encrypted' || persistence.state === 'other-kind') return { upper: null, lower, upperHidden: true }
  // What a kernel does not mount is not there for the started system.
  if (persistence.state !== 'open') return { upper: null, lower, upperHidden: true }
  return { upper: persistence.changes.upper, lower, upperHidden: false }
}

/** Where the second descriptor of a first write lies; a rewrite has none there. */
const secondSession = 32

function isoFacts(label: string, part: IsoPart | null): Fact[] {
  if (!part) return []
  const { iso, volume } = part
  const isFirst = openIso9660(volume.device, secondSession).value?.uuid === iso.uuid
  const written = isFirst ? 'as installed' : 'written anew since'
  return [{ label, value: `${iso.volumeId}, UUID ${iso.uuid ?? 'none'}, ${decimalSize(iso.sizeBytes)}, ${written}` }]
}

function changesFacts(persistence: Persistence | null): Fact[] {
  if (!persistence || !('changes' in persistence) || !persistence.changes) return []
  const { mounts, upper } = persistence.changes
  const facts = mounts
    ? [
        {
          label: 'persistence.conf',
          value: mounts.map(({ directory, options }) => `${directory} ${options.join(',')}`).join('; ') || 'empty',
        },
      ]
    : []
  if (!upper) return facts
  const { bytes, files, whiteouts, complete } = sizeOfChanges(upper)
  const more = complete ? '' : 'at least '
  return [
    ...facts,
    { label: 'Your changes', value: `${more}${files} files, ${decimalSize(bytes)}` },
    { label: 'Deleted files of the system', value: `${more}${whiteouts}` },
  ]
}

/** live-boot searches all that is plugged in: the system of one card was seen to run on the changes of another. */
function sharedNames(system: IsoPart | null, kernel: IsoPart | null, persistence: CardVolume | undefined): Fact[] {
  const names = [system?.iso.volumeId, kernel?.iso.volumeId, persistence?.identity?.label].filter(Boolean).join(', ')
  if (names === '') return []
  return [{ label: 'Names that all cards of this kind share', value: `${names}: start with only one of them plugged in` }]
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`
}
