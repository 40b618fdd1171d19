import type { Finding } from '../../contract-report.ts'
import { readErofsFacts } from '../../volumes/erofs-superblock.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { findNode, type VolumeTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import { moduleVersions, type Release, releaseOf, textOf } from '../linux-root.ts'
import type { CardVolume } from '../system.ts'
import { because } from './boot-files.ts'
import { abFindings } from './findings.ts'

/** The root filesystem of a slot. */
export interface RootState {
  tree: VolumeTree | null
  release: Release | null
  moduleVersions: string[]
  /** By which label the system mounts the boot choice; null where it does not go by a label. */
  bootconfigLabel: string | null
  /** How much of the partition the system takes. */
  contentBytes: number | null
  findings: Finding[]
  /** Something in it keeps it from starting, also where the finding about it is the card's. */
  isBroken: boolean
}

const startPrograms = ['sbin/init', 'usr/sbin/init', 'usr/lib/systemd/systemd', 'lib/systemd/systemd', 'bin/sh']

/** `slot` for people: "slot A". */
export async function readRoot(volume: CardVolume, slot: string): Promise<RootState> {
  const state: RootState = {
    tree: null,
    release: null,
    moduleVersions: [],
    bootconfigLabel: null,
    contentBytes: null,
    findings: [],
    isBroken: false,
  }
  const broken = (id: keyof typeof abFindings, detail: string): void => {
    state.isBroken = true
    state.findings.push(found(abFindings, id, detail, volume.number))
  }
  const { problem } = await attempt(() => fill(state, volume, slot, broken))
  if (problem) broken('ab-root-unreadable', `${slot}: partition ${volume.number}: ${problem.detail}.`)
  return state
}

type Broken = (id: keyof typeof abFindings, detail: string) => void

async function fill(state: RootState, volume: CardVolume, slot: string, broken: Broken): Promise<void> {
  const kind = readKind(volume)
  if (!kind) {
    broken('ab-root-unreadable', `${slot}: partition ${volume.number} holds neither EROFS nor ext4${because(volume.problem)}.`)
    return
  }
  state.contentBytes = kind.contentBytes
  if (kind.sumFits === false)
    broken(
      'ab-root-checksum',
      `${slot}: partition ${volume.number}: the superblock of its EROFS has another checksum than it says.`,
    )
  if (kind.damage !== null) state.isBroken = true
  if (kind.sumFits === false) return
  const { value: tree, problem } = await volume.tree()
  const listed = tree?.root.list()
  if (!tree || (listed?.problem && listed.entries.length === 0)) {
    broken('ab-root-unreadable', `${slot}: partition ${volume.number}${because(problem ?? listed?.problem ?? kind.damage)}.`)
    return
  }
  state.tree = tree
  state.release = releaseOf(tree)
  state.moduleVersions = moduleVersions(tree)
  state.bootconfigLabel = /^LABEL=(\S+)\s+\/bootfs\s/m.exec(textOf(tree, 'etc/fstab', 64 * 1024) ?? '')?.[1] ?? null
  if (!state.release && !startPrograms.some((path) => findNode(tree, path) !== null)) {
    broken('ab-root-no-system', `${slot}: partition ${volume.number} has neither etc/os-release nor a start program.`)
  }
}

interface RootKind {
  contentBytes: number | null
  sumFits: boolean | null
  damage: { code: string; detail: string } | null
}

/** Asked of the formats themselves: what identifies volumes overlooks an EROFS whose checksum is wrong. */
function readKind(volume: CardVolume): RootKind | null {
  const { value: erofs } = readErofsFacts(volume.device)
  if (erofs && volume.identity?.type !== 'ext4') {
    const damage = erofs.problems.find(({ code }) => code === 'erofs-cut-off') ?? null
    return { contentBytes: Math.min(erofs.totalBytes, volume.sizeBytes), sumFits: erofs.sumFits, damage }
  }
  const { value: ext } = readExtFacts(volume.device)
  if (!ext) return null
  const damage = ext.problems.find(({ code }) => code === 'ext-cut-off') ?? null
  return { contentBytes: ext.freeBytes === null ? null : ext.totalBytes - ext.freeBytes, sumFits: null, damage }
}
