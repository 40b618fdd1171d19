import type { BlockDevice } from '../block/device.ts'
import { decimalSize } from '../decimal-size.ts'
import { LivecardError } from '../errors.ts'
import { readGpt } from '../volumes/gpt.ts'
import { gptUsableEnd, mendGpt } from '../volumes/gpt-mend.ts'
import { checkVolume, performSync, resizeVolume } from '../wasm/ext-programs.ts'
import { hasModules } from '../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from './change.ts'
import type { Card, CardVolume } from './system.ts'

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

/**
 * Gives the last partition of a card the room behind it, up to the size that is asked for or to the card's end, and its filesystem with it. The partition keeps
 * its place and number, as systems find it by them. The table is safe before the filesystem relies on it.
 */
export function enlargeLast(card: Card, draft: ChangeDraft, context: ChangeContext): void {
  const volume = lastVolume(card)
  const end = endOf(card, draft.view, volume, wantedBytes(context))
  const sizeBytes = end - volume.startBytes
  const name = nameOf(volume)
  if (sizeBytes - volume.sizeBytes < leastGainBytes) {
    draft.notes.push(`${name} has ${decimalSize(volume.sizeBytes)} already; there is nothing to add.`)
    return
  }
  const type = volume.identity?.type ?? ''
  if (!type.startsWith('ext') && type !== 'crypto_LUKS')
    throw cannotGrow(name, `what is in it (${type || 'nothing that is known'}) cannot be made larger here`)
  draft.witnesses.push(
    { offset: 0, lengthBytes: Math.min(card.device?.size ?? 0, 34 * 512) },
    { offset: volume.startBytes, lengthBytes: 4096 },
  )
  moveEnd(card, draft, volume, end)
  draft.steps.push(
    `${name}: from ${decimalSize(volume.sizeBytes)} to ${decimalSize(sizeBytes)}. It keeps its place and its number.`,
  )
  if (type === 'crypto_LUKS') {
    draft.notes.push(
      'It is encrypted: the system gives the filesystem inside its new room once it is unlocked (cryptsetup resize, then resize2fs).',
    )
    return
  }
  growExt(draft.part(volume.startBytes, sizeBytes), name, context)
  draft.endGroup()
  draft.steps.push('Check the filesystem in it, and let it take the new room.')
  draft.keeps.push('All files.')
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

function endOf({ table }: Card, view: BlockDevice, volume: CardVolume, wanted: number | null): number {
  const { value: gpt } = table.type === 'gpt' ? readGpt(view) : { value: null }
  const usable = gpt ? gptUsableEnd(view, gpt) : Math.min(view.size, maxMbrSectors * view.sectorSize)
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
  if (volume.number > 4) throw cannotGrow(nameOf(volume), 'it lies inside of an extended partition')
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
