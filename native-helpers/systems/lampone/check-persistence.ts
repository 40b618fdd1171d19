import type { Finding, ReportOverlay, ReportRoom } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { found } from '../finding.ts'
import type { CardVolume } from '../system.ts'
import { type LamponeFinding, lamponeFindings } from './findings.ts'
import { isNamedPersistence, persistenceLabel } from './layout.ts'
import type { Changes, ExtRoom, Persistence } from './persistence.ts'
import { keepsEverything } from './persistence-conf.ts'

export interface PersistenceSeen {
  overlays: ReportOverlay[]
  rooms: ReportRoom[]
  findings: Finding[]
}

/** Where the bar has its mark, and from where on people should do something. */
const nearlyFullShare = 0.8
/** When less than this share can still be had, nothing useful can be saved; but 64 MB are always worth something. */
const fullShare = 0.01
const roomAlwaysWorthBytes = 64_000_000
const fewInodesShare = 0.01

/** Whether the system finds the partition for changes, mounts it, and can save to it. */
export function checkPersistence(persistence: Persistence | null, volumes: readonly CardVolume[]): PersistenceSeen {
  const findings: Finding[] = []
  const named = volumes.filter(isNamedPersistence)
  if (named.length > 1) {
    const numbers = named.map(({ number }) => number).join(' and ')
    findings.push(found(lamponeFindings, 'persistence-twice', `Partitions ${numbers} are named "${persistenceLabel}".`))
  }
  if (!persistence) {
    findings.push(
      found(lamponeFindings, 'persistence-missing', `No partition is named "${persistenceLabel}", and none has the number 4.`),
    )
    return { overlays: [], rooms: [], findings }
  }
  const { volume } = persistence
  const add = (id: LamponeFinding, detail: string) =>
    findings.push(found(lamponeFindings, id, `Partition ${volume.number}: ${detail}.`, volume.number))

  switch (persistence.state) {
    case 'encrypted': {
      const { value: luks, problem } = persistence.luks
      if (luks) add('persistence-encrypted', `LUKS version ${luks.version}${luks.cipher ? `, ${luks.cipher}` : ''}`)
      else add('persistence-encryption-damaged', problem.detail)
      return { overlays: [], rooms: [], findings }
    }
    case 'other-kind': {
      add('persistence-other-kind', `its kind is ${volume.identity?.type}`)
      const room = volume.usage && { id: 'persistence', title: 'Room for changes', ...volume.usage, note: null }
      return { overlays: [], rooms: room ? [room] : [], findings }
    }
    case 'damaged':
    case 'cut-off': {
      add(persistence.state === 'damaged' ? 'persistence-damaged' : 'persistence-cut-off', persistence.problem.detail)
      const overlay = { ...overlayOf(volume, 'damaged'), filesystem: null }
      return { overlays: [overlay], rooms: [], findings }
    }
    case 'open': {
      const { facts, room, changes } = persistence
      const unusable = checkUse(volume, changes, add)
      const fullness = checkRoom(room, add)
      const state = unusable ? 'unusable' : facts.clean ? fullness : 'damaged'
      const { usedBytes, totalBytes } = room
      const { type, clean, needsRecovery } = facts
      return {
        overlays: [
          { ...overlayOf(volume, state), usedBytes, totalBytes, filesystem: { type, clean, needsRecovery, usedBytes, totalBytes } },
        ],
        rooms: [{ id: 'persistence', title: 'Room for changes', usedBytes, totalBytes, note: noteOf(room) }],
        findings,
      }
    }
  }
}

type Add = (id: LamponeFinding, detail: string) => void

/** True where the system saves nothing at all, or not all of it. */
function checkUse(volume: CardVolume, { mounts, upper, isAufs }: Changes, add: Add): boolean {
  let unusable = false
  if (!isNamedPersistence(volume)) {
    const name = volume.identity?.label
    add('persistence-label', `${name ? `its name is "${name}"` : 'it has no name'}, instead of "${persistenceLabel}"`)
    unusable = true
  }
  if (mounts === null) {
    add('persistence-conf-missing', 'there is no persistence.conf at its top')
    unusable = true
  } else if (!keepsEverything(mounts)) {
    const lines = mounts.map(({ directory, options }) => JSON.stringify(`${directory} ${options.join(',')}`)).join(', ')
    add('persistence-conf-partial', `persistence.conf ${lines ? `says ${lines}` : 'names no folder'}, without "/ union"`)
    unusable = true
  }
  if (isAufs) add('changes-in-old-form', 'it has the marks of aufs at its top')
  else if (!upper && !unusable) add('changes-folder-missing', 'there is no folder rw')
  return unusable
}

function checkRoom(room: ExtRoom, add: Add): ReportOverlay['state'] {
  const { totalBytes, usedBytes, reservedBytes, freeInodes, inodes } = room
  const freeBytes = totalBytes - usedBytes
  const available = Math.max(0, freeBytes - reservedBytes)
  const numbers = `${decimalSize(usedBytes)} of ${decimalSize(totalBytes)} are used`
  if (available < Math.min(totalBytes * fullShare, roomAlwaysWorthBytes)) {
    const kept = freeBytes > 0 ? `, and the last ${decimalSize(freeBytes)} are kept for the administrator` : ''
    add('persistence-full', `${numbers}${kept}`)
    return 'full'
  }
  if (freeInodes < inodes * fewInodesShare) {
    add('persistence-full', `${inodes - freeInodes} of ${inodes} files are there, though only ${numbers}`)
    return 'full'
  }
  if (usedBytes >= totalBytes * nearlyFullShare) {
    add('persistence-nearly-full', `${numbers}; ${decimalSize(available)} can still be saved`)
    return 'nearly-full'
  }
  return 'ok'
}

function noteOf({ reservedBytes }: ExtRoom): string | null {
  return reservedBytes > 0 ? `${decimalSize(reservedBytes)} of what is free are kept for the administrator.` : null
}

function overlayOf(volume: CardVolume, state: ReportOverlay['state']): ReportOverlay {
  return {
    path: 'rw',
    partition: volume.number,
    kind: 'ext4-rw',
    state,
    usedBytes: 0,
    totalBytes: volume.sizeBytes,
    snapshot: null,
    filesystem: null,
  }
}
