import type { BlockDevice } from '../../block/device.ts'
import type { Finding, ReportOverlay, ReportSnapshot } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import type { StoreDamage } from '../../volumes/snapshot-exceptions.ts'
import { dmsetupStatus, readSnapshotStore, type SnapshotStore, storeSectorBytes } from '../../volumes/snapshot-store.ts'
import { found } from '../finding.ts'
import { liveosFindings } from './findings.ts'
import { mapOfSnapshot } from './snapshot-map.ts'

/** From here on a store is called nearly full. */
export const nearlyFullShare = 0.8

export interface StoreReport {
  state: ReportOverlay['state']
  usedBytes: number
  totalBytes: number
  snapshot: ReportSnapshot | null
  findings: Finding[]
  /** Null where its header cannot be used. */
  store: SnapshotStore | null
}

/** `name` is how the findings call it; `originBytes` is null where the image is not at hand. */
export function describeStore(
  device: BlockDevice,
  originBytes: number | null,
  name: string,
  partition: number | null,
): StoreReport {
  const { value: store, problem } = readSnapshotStore(device, originBytes)
  if (!store) {
    const finding = found(liveosFindings, 'overlay-header', `${name}: ${problem.detail}.`, partition)
    return { state: 'unusable', usedBytes: 0, totalBytes: device.size, snapshot: null, findings: [finding], store: null }
  }
  const totalBytes = store.totalSectors * storeSectorBytes
  // What an absurd entry makes the kernel count can be more than there is.
  const allocated = store.allocatedSectors > BigInt(store.totalSectors) ? store.totalSectors : Number(store.allocatedSectors)
  return {
    state: stateOf(store),
    usedBytes: allocated * storeSectorBytes,
    totalBytes,
    snapshot: snapshotOf(store, originBytes),
    findings: findingsOf(store, name, partition),
    store,
  }
}

/** Of the places for copies, which is what matters: 0 … 1. */
export function usedShare({ capacityChunks, freeChunks }: SnapshotStore): number {
  return capacityChunks === 0 ? 1 : (capacityChunks - Math.min(capacityChunks, freeChunks)) / capacityChunks
}

function stateOf(store: SnapshotStore): ReportOverlay['state'] {
  if (!store.valid) return 'invalid'
  if (store.unregistrable || store.exceptions.damageCount > 0 || store.exceptions.cut) return 'damaged'
  if (store.freeChunks === 0) return 'full'
  return usedShare(store) >= nearlyFullShare ? 'nearly-full' : 'ok'
}

function snapshotOf(store: SnapshotStore, originBytes: number | null): ReportSnapshot {
  const { exceptions } = store
  const originSectors = originBytes === null ? null : Math.floor(originBytes / storeSectorBytes)
  return {
    valid: store.valid ? 1 : 0,
    version: store.version,
    chunkSectors: store.chunkSectors,
    exceptions: exceptions.count,
    allocatedSectors: Number(store.allocatedSectors),
    totalSectors: store.totalSectors,
    metadataSectors: store.metadataSectors,
    originSectors,
    dmsetupStatus: originSectors === null ? null : dmsetupStatus(store, originSectors),
    capacityChunks: store.capacityChunks,
    freeChunks: store.freeChunks,
    trapSize: store.trapSize,
    damagedAreas: new Set(exceptions.damage.map(({ area }) => area)).size + (store.unregistrable ? 1 : 0),
    map: originBytes === null ? null : mapOfSnapshot(exceptions, originBytes),
  }
}

function findingsOf(store: SnapshotStore, name: string, partition: number | null): Finding[] {
  const { exceptions, capacityChunks, freeChunks } = store
  const told = (id: keyof typeof liveosFindings, detail: string) => found(liveosFindings, id, `${name}: ${detail}`, partition)
  const places = `${capacityChunks - freeChunks} of ${capacityChunks} places for changed blocks are used`
  const size = `${decimalSize(store.totalSectors * storeSectorBytes)}, chunks of ${store.chunkBytes / 1024} KiB`
  const findings: Finding[] = []
  if (!store.valid) findings.push(told('overlay-invalid', `the second word of its header is 0. ${capitalised(places)} (${size}).`))
  if (store.unregistrable)
    findings.push(told('overlay-cut-off', `area ${exceptions.currentArea} of its list would begin behind its end at ${size}.`))
  const foreign = exceptions.damage.filter(({ kind }) => kind === 'beyond-origin')
  const damage = exceptions.damage.filter(({ kind }) => kind !== 'beyond-origin')
  if (damage.length > 0)
    findings.push(told('overlay-damaged', damageText(damage, exceptions.damageCount - foreign.length, exceptions.count)))
  else if (exceptions.cut)
    findings.push(told('overlay-damaged', `it has more entries than the ${exceptions.count} that are looked at.`))
  if (foreign.length > 0)
    findings.push(told('overlay-other-base', `${foreign.length} entries stand for blocks behind the end of the system image.`))
  if (store.blank) findings.push(told('overlay-empty', `there is room for ${capacityChunks} changed blocks (${size}).`))
  // An entry that leads behind the end makes the store look full, which says nothing then.
  if (store.valid && !store.unregistrable && damage.length === 0) {
    if (freeChunks === 0) findings.push(told('overlay-full', `${places} (${size}).`))
    else if (usedShare(store) >= nearlyFullShare)
      findings.push(told('overlay-nearly-full', `${places}, ${decimalSize(freeChunks * store.chunkBytes)} are left (${size}).`))
  }
  if (store.trapSize)
    findings.push(
      told(
        'overlay-trap-size',
        `it has ${Math.floor(store.totalSectors / store.chunkSectors)} chunks, and the last of them cannot be used (${size}).`,
      ),
    )
  return findings
}

const damageWords: Record<StoreDamage['kind'], string> = {
  outside: 'lead behind its end',
  metadata: 'lead into the list itself',
  'used-twice': 'lead to a copy that another one has',
  'origin-twice': 'stand for a block that another one stands for',
  'beyond-origin': 'stand for blocks behind the end of the image',
  'behind-end': 'stand behind the end of the list',
}

function damageText(damage: readonly StoreDamage[], count: number, total: number): string {
  const kinds = [...new Set(damage.map(({ kind }) => kind))]
  const areas = [...new Set(damage.map(({ area }) => area))]
  const where = `area ${areas.slice(0, 5).join(', ')}${areas.length > 5 ? ' …' : ''}`
  return `${count} of its ${total} entries are wrong (${where}): they ${kinds.map((kind) => damageWords[kind]).join(', or ')}.`
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
