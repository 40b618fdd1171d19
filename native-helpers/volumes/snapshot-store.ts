import type { BlockDevice } from '../block/device.ts'
import { isPowerOfTwo, readFields, u32 } from './fields.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'
import { areaChunk, type Exceptions, entriesPerArea, readExceptions } from './snapshot-exceptions.ts'

/** struct disk_header, drivers/md/dm-snap-persistent.c; the rest of the first chunk is zero. */
const headerFields = { magic: u32(0), valid: u32(4), version: u32(8), chunkSectors: u32(12) }
const headerBytes = 16
const magic = 0x70416e53
const knownVersion = 1
export const storeSectorBytes = 512
/** INT_MAX >> SECTOR_SHIFT, drivers/md/dm-exception-store.c. */
const maxChunkSectors = 0x7fffffff >>> 9
/** What every dracut and livecd-tools puts into the table; it counts only where the store has no header yet. */
const tableChunkSectors = 8
/** The header, and the area that the kernel counts ahead of the one in use. */
const headChunks = 2

export interface SnapshotStore {
  /** Nothing but zeros where the header belongs: a kernel would make a new store of it. */
  blank: boolean
  /** False: a kernel lets nobody read from it. */
  valid: boolean
  version: number
  chunkSectors: number
  chunkBytes: number
  totalSectors: number
  /** Sectors up to the next chunk to be used, header and areas included, as the kernel reports them. */
  allocatedSectors: bigint
  metadataSectors: number
  /** Copies that could be made if the store were empty. */
  capacityChunks: number
  /** Copies that can still be made. */
  freeChunks: number
  /** One copy less than there is room for: the last one makes the kernel clear an area behind the end, and give the store up. */
  trapSize: boolean
  /** A kernel refuses this store with an I/O error: its list of copies goes on behind its end. */
  unregistrable: boolean
  exceptions: Exceptions
}

/** Reads a persistent exception store (the "overlay" of a live system) exactly as the kernel does, also one that it calls invalid. */
export function readSnapshotStore(store: BlockDevice, originBytes: number | null = null): Parsed<SnapshotStore> {
  const head = pieceOf(store, 0, headerBytes)
  if (!head) return unusable('store-short', 'it is too short for the header of a snapshot store')
  const header = readFields(headerFields, head)
  const blank = header.magic === 0
  if (!blank && header.magic !== magic) return unusable('store-none', 'there is no header of a snapshot store')
  if (!blank && header.version !== knownVersion) {
    return unusable('store-version', `it is a snapshot store of version ${header.version}, which no kernel knows`)
  }
  const chunkSectors = blank ? tableChunkSectors : header.chunkSectors
  if (!isPowerOfTwo(chunkSectors) || chunkSectors > maxChunkSectors) {
    return unusable('store-chunk-size', `it is a snapshot store with an impossible chunk size of ${chunkSectors} sectors`)
  }
  const chunkBytes = chunkSectors * storeSectorBytes
  const totalSectors = Math.floor(store.size / storeSectorBytes)
  const storeChunks = Math.floor(totalSectors / chunkSectors)
  const originChunks = originBytes === null ? null : Math.ceil(originBytes / chunkBytes)
  const exceptions = readExceptions(blank ? emptied(store) : store, { chunkBytes, storeChunks, originChunks })
  const nextFree = exceptions.nextFreeChunk
  const trapSize = isTrapSize(storeChunks, chunkBytes)
  const room = nextFree < BigInt(storeChunks) ? dataChunks(storeChunks, chunkBytes) - dataChunks(Number(nextFree), chunkBytes) : 0
  return parsed({
    blank,
    valid: blank || header.valid !== 0,
    version: blank ? knownVersion : header.version,
    chunkSectors,
    chunkBytes,
    totalSectors,
    allocatedSectors: BigInt.asUintN(64, nextFree * BigInt(chunkSectors)),
    metadataSectors: (exceptions.currentArea + headChunks) * chunkSectors,
    capacityChunks: storeCapacity(storeChunks, chunkBytes),
    freeChunks: Math.max(0, room - (trapSize ? 1 : 0)),
    trapSize,
    unregistrable: exceptions.areaMissing,
    exceptions,
  })
}

/** Up to the highest copy, and the list of copies with it; in a damaged store that can lead behind its end. */
export function usedStoreBytes({ chunkBytes, exceptions }: SnapshotStore): number {
  const copies = Number(exceptions.nextFreeChunk) * chunkBytes
  return Math.max(copies, (areaChunk(chunkBytes, exceptions.currentArea) + 1) * chunkBytes)
}

/** What `dmsetup status` prints after this store was put over an origin of so many sectors; null where a kernel refuses it. */
export function dmsetupStatus(store: SnapshotStore, originSectors: number): string | null {
  const target = `0 ${originSectors} snapshot`
  if (!store.valid) return `${target} Invalid`
  if (store.unregistrable) return null
  return `${target} ${store.allocatedSectors}/${store.totalSectors} ${store.metadataSectors}`
}

/** The first bytes of a store; the rest of its first chunk is zero. */
export function storeHeader(valid: boolean, chunkSectors: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes)
  const words: [field: keyof typeof headerFields, value: number][] = [
    ['magic', magic],
    ['valid', valid ? 1 : 0],
    ['version', knownVersion],
    ['chunkSectors', chunkSectors],
  ]
  for (const [field, value] of words) new DataView(bytes.buffer).setUint32(headerFields[field].offset, value, true)
  return bytes
}

/** Where N mod (E+1) is 1, filling the last entry of an area clears the next one, which has no place. */
export function isTrapSize(storeChunks: number, chunkBytes: number): boolean {
  return storeChunks > 1 && storeChunks % (entriesPerArea(chunkBytes) + 1) === 1
}

/** How many copies a store of this size takes before the kernel calls it full or gives it up. */
export function storeCapacity(storeChunks: number, chunkBytes: number): number {
  return Math.max(0, dataChunks(storeChunks, chunkBytes) - (isTrapSize(storeChunks, chunkBytes) ? 1 : 0))
}

/** Chunks below `end` that are neither the header nor an area. */
export function dataChunks(end: number, chunkBytes: number): number {
  if (end < headChunks) return 0
  return end - headChunks - Math.floor((end - headChunks) / (entriesPerArea(chunkBytes) + 1))
}

/** A store without a header is cleared by the kernel before it is used. */
function emptied(store: BlockDevice): BlockDevice {
  return { size: store.size, sectorSize: store.sectorSize, readSync: (into) => void into.fill(0) }
}
