import type { BlockDevice } from '../block/device.ts'
import type { Growing } from '../contract-change.ts'
import { decimalSize } from '../decimal-size.ts'
import { LivecardError } from '../errors.ts'
import { readExtFacts } from '../volumes/ext-facts.ts'
import { readGpt } from '../volumes/gpt.ts'
import { gptUsableEnd, mendGpt } from '../volumes/gpt-mend.ts'
import { checkVolume, performSync, resizeVolume } from '../wasm/ext-programs.ts'
import { hasModules } from '../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from './change.ts'
import { endInExtOrder } from './ext-order.ts'
import type { Card, CardVolume } from './system.ts'
import { markUnclean } from './unclean.ts'

/** An MBR counts sectors with 32 bits, and its cylinders end long before. */
const maxMbrSectors = 0xffffffff
const mbrEntry = { start: 446, bytes: 16, lastChs: 5, sectors: 12 }
const beyondChs = [0xfe, 0xff, 0xff]
/** As every tool aligns. */
const alignBytes = 1024 * 1024
/** Less is not worth the work, nor the sentence. */
const leastGainBytes = 4 * 1024 * 1024

/** "max", or a number of bytes that the caller has read from what the user wrote. */
export function wantedBytes({ options }: ChangeContext): number | null {
  const to = options.to ?? 'max'
  if (to === 'max') return null
  const bytes = Number(to)
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw cannotGrow('It', `"${to}" is no size`)
  return bytes
}

/** The last partition of a card, whatever it is. */
export function enlargeLast(card: Card, draft: ChangeDraft, context: ChangeContext): void {
  enlargePartition(card, lastVolume(card), draft, context)
}

/**
 * Gives a partition the room behind it, up to the size that is asked for or to the card's end, and its filesystem with it. The partition keeps its place and
 * number, as systems find it by them. The table is safe before the filesystem relies on it.
 */
export function enlargePartition(card: Card, volume: CardVolume, draft: ChangeDraft, context: ChangeContext): void {
  const name = nameOf(volume)
  const why = whyNot(card, volume)
  if (why !== null) throw cannotGrow(name, why)
  const end = endOf(card, draft.view, volume, wantedBytes(context))
  const grows = end - volume.startBytes - volume.sizeBytes >= leastGainBytes
  const isLuks = volume.identity?.type === 'crypto_LUKS'
  if (!grows && (isLuks || unusedInside(volume) < leastGainBytes)) {
    draft.notes.push(`${name} has ${decimalSize(volume.sizeBytes)} already; there is nothing to add.`)
    return
  }
  const sizeBytes = grows ? end - volume.startBytes : volume.sizeBytes
  draft.witnesses.push(
    { offset: 0, lengthBytes: Math.min(card.device?.size ?? 0, 34 * 512) },
    { offset: volume.startBytes, lengthBytes: 4096 },
  )
  if (grows) {
    moveEnd(card, draft, volume, end)
    draft.steps.push(
      `${name}: from ${decimalSize(volume.sizeBytes)} to ${decimalSize(sizeBytes)}. It keeps its place and its number.`,
    )
  }
  if (isLuks) {
    draft.notes.push(
      'It is encrypted: the system gives the filesystem inside its new room once it is unlocked (cryptsetup resize, then resize2fs).',
    )
    return
  }
  const part = draft.part(volume.startBytes, sizeBytes)
  markUnclean(draft, part, volume.startBytes, context.seconds)
  growExt(part, name, context)
  endInExtOrder(draft, part, volume.startBytes)
  draft.steps.push(
    grows
      ? 'Check the filesystem in it, and let it take the new room.'
      : `${name}: check the filesystem in it, and let it take all ${decimalSize(sizeBytes)} that the partition has.`,
  )
  draft.keeps.push('All files.')
}

/** What a filesystem leaves of its partition, as where somebody has moved the partition's end and nothing else. */
function unusedInside({ device }: CardVolume): number {
  return device.size - (readExtFacts(device).value?.totalBytes ?? device.size)
}

/** Grows an ext volume to the device that it lies on. Throws where it cannot be mended first. */
export function growExt(device: BlockDevice, name: string, { seconds }: ChangeContext): void {
  if (!hasModules()) throw cannotGrow(name, 'this Livecard was built without the tools for ext volumes')
  performSync(checkVolume({ mode: 'repair', seconds }), device)
  performSync(resizeVolume('device', { seconds }), device)
  if (performSync(checkVolume({ mode: 'look', seconds }), device).state !== 'clean')
    throw cannotGrow(name, 'it would be damaged afterwards')
}

function lastVolume({ volumes, table }: Card): CardVolume {
  const partitions = volumes.filter(({ number }) => number > 0)
  const last = partitions.sort((a, b) => a.startBytes - b.startBytes).at(-1)
  if (!last || table.type === 'none') throw cannotGrow('The card', 'it has no partitions')
  return last
}

/** The last partition of a card, and how far it could reach. Throws where a card has none. */
export function lastToGrow(card: Card, view: BlockDevice, roles?: ReadonlyMap<number, string>): Growing {
  return partitionToGrow(card, lastVolume(card), view, roles)
}

export function partitionToGrow(card: Card, volume: CardVolume, view: BlockDevice, roles?: ReadonlyMap<number, string>): Growing {
  const { number, startBytes, sizeBytes } = volume
  const maxBytes = endOf(card, view, volume, null) - startBytes
  const isFull = maxBytes - sizeBytes < leastGainBytes && unusedInside(volume) < leastGainBytes
  const why = whyNot(card, volume) ?? (isFull ? 'there is no room behind it' : null)
  return {
    what: roles?.get(number) === 'persistence' ? 'persistence' : 'partition',
    name: nameOf(volume),
    nowBytes: sizeBytes,
    leastBytes: Math.min(sizeBytes + leastGainBytes, Math.max(sizeBytes, maxBytes)),
    maxBytes,
    stepBytes: alignBytes,
    trapEverySteps: null,
    limit: usableEnd(card, view) < view.size - tableCopyBytes ? 'table' : 'card',
    problem: why === null ? null : cannotGrow(nameOf(volume), why).message,
  }
}

/** More than the second copy of a GPT takes at the end of a card. */
const tableCopyBytes = 1024 * 1024

/** What keeps a last partition from growing, however much room there is. */
function whyNot({ table, volumes }: Card, { number, identity, startBytes }: CardVolume): string | null {
  const behind = volumes.find((other) => other.number > 0 && other.startBytes > startBytes)
  if (behind) return `partition ${behind.number} lies behind it`
  const type = identity?.type ?? ''
  if (!type.startsWith('ext') && type !== 'crypto_LUKS')
    return `what is in it (${type || 'nothing that is known'}) cannot be made larger here`
  if (type !== 'crypto_LUKS' && !hasModules()) return 'this Livecard was built without the tools for ext volumes'
  return table.type === 'mbr' && number > 4 ? 'it lies inside of an extended partition' : null
}

function usableEnd({ table }: Card, view: BlockDevice): number {
  const { value: gpt } = table.type === 'gpt' ? readGpt(view) : { value: null }
  return gpt ? gptUsableEnd(view, gpt) : Math.min(view.size, maxMbrSectors * view.sectorSize)
}

function endOf(card: Card, view: BlockDevice, volume: CardVolume, wanted: number | null): number {
  const usable = usableEnd(card, view)
  const end = wanted === null ? usable : volume.startBytes + wanted
  if (end > usable) throw cannotGrow(nameOf(volume), `the card has room for ${decimalSize(usable - volume.startBytes)} at most`)
  return Math.max(volume.startBytes, end - (end % alignBytes))
}

function moveEnd({ table }: Card, draft: ChangeDraft, volume: CardVolume, end: number): void {
  if (table.type === 'gpt') {
    const { value: gpt, problem } = readGpt(draft.view)
    if (!gpt) throw cannotGrow(nameOf(volume), problem.detail)
    const mend = mendGpt(draft.view, gpt, { number: volume.number, lastLba: end / gpt.sectorSize - 1 })
    if (!mend.value) throw cannotGrow(nameOf(volume), mend.problem.detail)
    for (const { offset, bytes } of mend.value.backup) draft.view.writeSync(bytes, offset)
    draft.endGroup()
    for (const { offset, bytes } of mend.value.primary) draft.view.writeSync(bytes, offset)
    draft.endGroup()
    return
  }
  const entry = mbrEntry.start + (volume.number - 1) * mbrEntry.bytes
  const sectors = Buffer.alloc(4)
  sectors.writeUInt32LE((end - volume.startBytes) / draft.view.sectorSize)
  draft.view.writeSync(Uint8Array.from(beyondChs), entry + mbrEntry.lastChs)
  draft.view.writeSync(sectors, entry + mbrEntry.sectors)
  draft.endGroup()
}

function nameOf({ number, identity }: CardVolume): string {
  return identity?.label ? `Partition ${number} ("${identity.label}")` : `Partition ${number}`
}

export function cannotGrow(what: string, why: string): LivecardError {
  return new LivecardError('failed', 'enlarge-impossible', {
    message: `${what} cannot be made larger: ${why}.`,
    meaning: 'Nothing was changed.',
    next: '"livecard inspect" shows how large everything is and what room there is.',
  })
}
