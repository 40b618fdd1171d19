import type { Finding, ReportKernel, ReportRoom, ReportSlot } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { findNode } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import type { Card, CardVolume, Description } from '../system.ts'
import { type BootMenu, readBootMenu } from './boot-menu.ts'
import { tmpfsrootFindings } from './findings.ts'
import { btrfsLabels, logUuid, only, persistUuid, type RootId, rootIds, rootTitle, rootUuids, type TmpfsLayout } from './layout.ts'
import { kernelPath, type RootState, readRoot } from './root.ts'

/** wipefs.sh of the project names this partition, whatever lies there. */
const refreshedPartition = 3
const nearlyFull = 0.9

interface Root {
  id: RootId
  volume: CardVolume | null
  state: RootState | null
}

export async function describeTmpfsroot(card: Card, layout: TmpfsLayout): Promise<Description> {
  const menu = await readBootMenu(layout)
  const roots: Root[] = []
  for (const id of rootIds) {
    const volume = layout.roots[id][0] ?? null
    roots.push({ id, volume, state: volume && (await readRoot(volume, rootTitle(id), menu.limitBytes[id])) })
  }
  const findings = [...identityFindings(card, layout), ...menu.findings, ...roots.flatMap(({ state }) => state?.findings ?? [])]
  findings.push(...startFindings(menu, roots), ...(await keptFindings(layout)))
  const starts = menu.next ?? menu.saved
  return {
    kernels: roots.flatMap((root) => kernelOf(root, starts)),
    overlays: [],
    rooms: [...roots.flatMap((root) => memoryRoom(root, menu)), ...volumeRooms(layout)],
    slots: roots.flatMap((root) => slotOf(root, starts)),
    findings,
    facts: [...menu.facts, ...trialFacts(menu)],
  }
}

function identityFindings(card: Card, layout: TmpfsLayout): Finding[] {
  const findings: Finding[] = []
  const say = (id: keyof typeof tmpfsrootFindings, detail: string, partition: number | null = null): void => {
    findings.push(found(tmpfsrootFindings, id, detail, partition))
  }
  const numbers = (volumes: readonly CardVolume[]): string => volumes.map(({ number }) => number).join(' and ')
  for (const id of rootIds) {
    const volumes = layout.roots[id]
    if (volumes.length === 0) say('tmpfsroot-root-missing', `No partition has the UUID of ${rootTitle(id)}, ${rootUuids[id]}.`)
    if (volumes.length > 1)
      say('tmpfsroot-root-twice', `Partitions ${numbers(volumes)} have the UUID of ${rootTitle(id)}, ${rootUuids[id]}.`)
  }
  for (const [name, volumes, uuid, id] of [
    ['the kept settings', layout.persist, persistUuid, 'tmpfsroot-persist-missing'],
    ['the log', layout.log, logUuid, 'tmpfsroot-log-missing'],
  ] as const) {
    if (volumes.length === 0) say(id, `No partition has the UUID of ${name}, ${uuid}.`)
    if (volumes.length > 1) say('tmpfsroot-volume-twice', `Partitions ${numbers(volumes)} have the UUID of ${name}, ${uuid}.`)
  }
  const third = card.volumes.find(({ number }) => number === refreshedPartition)
  if (!layout.log.some(({ number }) => number === refreshedPartition)) {
    const log = only(layout.log)
    const elsewhere = log ? ` The log is partition ${log.number}.` : ''
    say(
      'tmpfsroot-partition-3',
      `${third ? `Partition 3 is ${whatIs(third, layout)}.` : 'There is no partition 3.'}${elsewhere}`,
      third?.number ?? null,
    )
  }
  return findings
}

function whatIs(volume: CardVolume, layout: TmpfsLayout): string {
  const id = rootIds.find((candidate) => layout.roots[candidate].includes(volume))
  if (id) return rootTitle(id)
  if (layout.persist.includes(volume)) return 'the one for kept settings'
  const { identity } = volume
  return identity ? `${identity.type}${identity.label ? ` "${identity.label}"` : ''}` : 'of an unknown kind'
}

function startFindings({ saved, next }: BootMenu, roots: readonly Root[]): Finding[] {
  const stateOf = (id: RootId | null): RootState | null => roots.find((root) => root.id === id)?.state ?? null
  const isBootable = (id: RootId | null): boolean => stateOf(id)?.bootable ?? false
  const findings: Finding[] = []
  if (next && !isBootable(next))
    findings.push(found(tmpfsrootFindings, 'tmpfsroot-trial-broken', `The trial is of ${rootTitle(next)}.`))
  if (roots.every(({ state }) => !state?.bootable)) {
    return [...findings, found(tmpfsrootFindings, 'tmpfsroot-no-root-starts', 'Root A and Root B both lack what they start with.')]
  }
  if (!saved) return findings
  const other: RootId = saved === 'a' ? 'b' : 'a'
  if (!isBootable(saved)) {
    findings.push(
      found(
        tmpfsrootFindings,
        'tmpfsroot-saved-broken',
        `${rootTitle(saved)} is saved as the one to start, and cannot; ${rootTitle(other)} can.`,
      ),
    )
  } else if (isBootable(other)) {
    findings.push(
      found(
        tmpfsrootFindings,
        'tmpfsroot-fallback-ready',
        `${rootTitle(saved)} starts; ${rootTitle(other)} passes the same checks.`,
      ),
    )
  } else if (stateOf(other)?.isEmpty) {
    findings.push(
      found(tmpfsrootFindings, 'tmpfsroot-fallback-empty', `${rootTitle(saved)} starts; ${rootTitle(other)} has no files.`),
    )
  } else
    findings.push(found(tmpfsrootFindings, 'tmpfsroot-fallback-broken', `${rootTitle(saved)} starts; ${rootTitle(other)} cannot.`))
  return findings
}

/** The volumes that the running system mounts. */
async function keptFindings({ persist, log, btrfs }: TmpfsLayout): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const volume of [...persist, ...log]) {
    const { value: tree, problem } = await volume.tree()
    const { value: listed, problem: bad } = await attempt(() => tree?.root.list())
    const unread = problem ?? bad ?? listed?.problem
    if (unread)
      findings.push(
        found(tmpfsrootFindings, 'tmpfsroot-volume-unreadable', `Partition ${volume.number}: ${unread.detail}.`, volume.number),
      )
    if (tree && !unread && persist.includes(volume) && findNode(tree, 'PROVISIONING')) {
      findings.push(
        found(
          tmpfsrootFindings,
          'tmpfsroot-provisioning',
          `There is a file PROVISIONING on partition ${volume.number}.`,
          volume.number,
        ),
      )
    }
  }
  for (const volume of [...log, ...btrfsLabels.map((label) => btrfs[label])]) {
    const usage = volume?.usage
    if (!volume || !usage || usage.usedBytes < usage.totalBytes * nearlyFull) continue
    const detail = `${decimalSize(usage.usedBytes)} of ${decimalSize(usage.totalBytes)} are used on partition ${volume.number}.`
    findings.push(found(tmpfsrootFindings, 'tmpfsroot-volume-full', detail, volume.number))
  }
  return findings
}

function kernelOf({ id, volume, state }: Root, starts: RootId | null): ReportKernel[] {
  if (!volume || !state?.kernel) return []
  const { version } = state.kernel
  return [
    {
      where: `root-${id}`,
      partition: volume.number,
      version,
      path: `/${kernelPath}`,
      starts: starts === null ? null : starts === id,
      modules: state.modules.includes(version) ? 'present' : 'missing',
    },
  ]
}

function memoryRoom({ id, state }: Root, { limitBytes }: BootMenu): ReportRoom[] {
  const total = limitBytes[id]
  if (!state || state.copiedBytes === null || total === null) return []
  const note =
    'What is copied into memory when it starts, at most, of the memory that the boot menu gives it. The partition itself may be larger.'
  return [{ id: `root-${id}`, title: `${rootTitle(id)} in memory`, usedBytes: state.copiedBytes, totalBytes: total, note }]
}

function volumeRooms({ persist, log, btrfs }: TmpfsLayout): ReportRoom[] {
  const room = (id: string, title: string, volume: CardVolume | null, note: string | null): ReportRoom[] =>
    volume?.usage ? [{ id, title, ...volume.usage, note }] : []
  const ofBtrfs = 'By the counters of the volume; each of its pieces counts once.'
  return [
    ...room('log', 'Log', only(log), null),
    ...room('persist', 'Kept settings', only(persist), 'The running system only reads them.'),
    ...room('docker', 'Containers', btrfs.var_lib_docker, ofBtrfs),
    ...room('cache', 'Cache', btrfs.var_cache, ofBtrfs),
    ...room('opt', 'Applications', btrfs.opt, ofBtrfs),
  ]
}

function slotOf({ id, volume, state }: Root, starts: RootId | null): ReportSlot[] {
  if (!volume) return []
  return [
    {
      id: `root-${id}`,
      title: rootTitle(id),
      starts: starts === null ? null : starts === id,
      bootable: state?.bootable ?? false,
      release: state?.release?.name ?? null,
    },
  ]
}

function trialFacts({ saved, next }: BootMenu): { label: string; value: string }[] {
  const facts = saved ? [{ label: 'Saved choice', value: rootTitle(saved) }] : []
  return next ? [...facts, { label: 'Next start, once', value: rootTitle(next) }] : facts
}
