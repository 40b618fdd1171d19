import type { BlockDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { areaChunk, entriesPerArea, exceptionBytes, isMetadataChunk } from './snapshot-exceptions.ts'
import { dataChunks, isTrapSize, type SnapshotStore, storeHeader, storeSectorBytes } from './snapshot-store.ts'

/** What dracut and livecd-tools ask device-mapper for: 4 KiB. */
const usualChunkSectors = 8
const firstDataChunk = 2

/** A store that can be written to: a file on a stick, or a practice one. */
export type WritableStore = BlockDevice & { writeSync(bytes: Uint8Array, offset: number): void }

/**
 * Lays copies into a persistent exception store in the order of the kernel (persistent_commit_exception, drivers/md/dm-snap-persistent.c): the copies,
 * a flush, the next area cleared when this one is full, the entries, a flush. So what is on the medium is whole after every write.
 */
export interface SnapshotWriter {
  readonly chunkBytes: number
  /** Copies that can still be laid. */
  readonly freeChunks: number
  /**
   * A whole chunk of the origin as it shall be seen from now on; answers the chunk of the store that holds it. Each chunk of the origin only once.
   * Throws `store-full`, and then nothing was written.
   */
  append(originChunk: number, bytes: Uint8Array): number
  /** Makes what was appended count. */
  commit(): void
}

/** Makes an empty store of a device, whatever it held: header and first area, as the kernel does when it meets zeros. */
export function makeSnapshotStore(device: WritableStore, chunkSectors = usualChunkSectors): SnapshotWriter {
  const chunkBytes = chunkSectors * storeSectorBytes
  if (device.size < firstDataChunk * chunkBytes)
    throw new RangeError(`a store of ${device.size} bytes has no room for its header and an area`)
  device.writeSync(new Uint8Array(chunkBytes), areaChunk(chunkBytes, 0) * chunkBytes)
  device.flushSync?.()
  const head = new Uint8Array(chunkBytes)
  head.set(storeHeader(true, chunkSectors))
  device.writeSync(head, 0)
  device.flushSync?.()
  return writer(device, { chunkBytes, area: 0, entries: new Uint8Array(chunkBytes), entryCount: 0, nextFree: firstDataChunk })
}

/** Goes on with a store that was read before. Throws `store-damaged` where that is one that the kernel would not go on with either. */
export function continueSnapshotStore(device: WritableStore, store: SnapshotStore): SnapshotWriter {
  const { chunkBytes, exceptions } = store
  if (store.blank) return makeSnapshotStore(device, store.chunkSectors)
  if (!store.valid || store.unregistrable || exceptions.damageCount > 0 || exceptions.cut) throw notToGoOnWith()
  const entries = new Uint8Array(chunkBytes)
  device.readSync(entries, areaChunk(chunkBytes, exceptions.currentArea) * chunkBytes)
  const entryCount = exceptions.count - exceptions.currentArea * entriesPerArea(chunkBytes)
  return writer(device, {
    chunkBytes,
    area: exceptions.currentArea,
    entries,
    entryCount,
    nextFree: Number(exceptions.nextFreeChunk),
  })
}

/** The one field that decides whether a kernel reads from the store. */
export function setStoreValid(device: WritableStore, valid: boolean): void {
  device.writeSync(storeHeader(valid, usualChunkSectors).subarray(4, 8), 4)
  device.flushSync?.()
}

interface Place {
  readonly chunkBytes: number
  area: number
  /** The entries of the area in use, zeros behind the last. */
  readonly entries: Uint8Array
  entryCount: number
  /** Where the next copy goes; never the place of an area. */
  nextFree: number
}

function writer(device: WritableStore, place: Place): SnapshotWriter {
  const { chunkBytes, entries } = place
  const perArea = entriesPerArea(chunkBytes)
  const storeChunks = Math.floor(Math.floor(device.size / storeSectorBytes) / (chunkBytes / storeSectorBytes))
  /** Exclusive. */
  const lastChunk = storeChunks - (isTrapSize(storeChunks, chunkBytes) ? 1 : 0)
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length)
  let uncommitted = 0

  const writeEntries = (): void => {
    device.writeSync(entries, areaChunk(chunkBytes, place.area) * chunkBytes)
    device.flushSync?.()
  }
  const commit = (): void => {
    if (uncommitted === 0) return
    device.flushSync?.()
    uncommitted = 0
    const full = place.entryCount === perArea
    if (full) {
      const next = areaChunk(chunkBytes, place.area + 1)
      // A store whose last entry is its last chunk has no next area; the kernel gives such a store up, which is why its last chunk is left alone.
      if (next < storeChunks) device.writeSync(new Uint8Array(chunkBytes), next * chunkBytes)
      device.flushSync?.()
    }
    writeEntries()
    if (!full) return
    entries.fill(0)
    place.area += 1
    place.entryCount = 0
  }

  return {
    chunkBytes,
    get freeChunks() {
      return Math.max(0, dataChunks(lastChunk, chunkBytes) - dataChunks(place.nextFree, chunkBytes))
    },
    append(originChunk, bytes) {
      if (bytes.length !== chunkBytes) throw new RangeError(`a copy of ${bytes.length} bytes is no chunk of ${chunkBytes}`)
      if (place.nextFree >= lastChunk) throw storeFull(device.size)
      const chunk = place.nextFree
      device.writeSync(bytes, chunk * chunkBytes)
      const at = place.entryCount * exceptionBytes
      view.setBigUint64(at, BigInt(originChunk), true)
      view.setBigUint64(at + 8, BigInt(chunk), true)
      place.entryCount += 1
      uncommitted += 1
      place.nextFree += 1
      if (isMetadataChunk(chunkBytes, place.nextFree)) place.nextFree += 1
      if (place.entryCount === perArea) commit()
      return chunk
    },
    commit,
  }
}

function storeFull(sizeBytes: number): LivecardError {
  return new LivecardError('failed', 'store-full', {
    message: `The store of changes has no room for more; it is ${sizeBytes} bytes long.`,
    meaning: 'Nothing more was written to it, and what is in it is whole.',
    next: 'Enlarge the store first.',
  })
}

function notToGoOnWith(): LivecardError {
  return new LivecardError('data', 'store-damaged', {
    message: 'The store of changes is damaged, or marked invalid.',
    meaning: 'Nothing was written to it: more changes could make it worse.',
    next: 'Repair it first.',
  })
}
