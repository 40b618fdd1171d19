import { areaChunk, entriesPerArea, exceptionBytes, isMetadataChunk } from './snapshot-exceptions.ts'
import type { WritableStore } from './snapshot-make.ts'
import { readSnapshotStore, type SnapshotStore, storeSectorBytes } from './snapshot-store.ts'

/**
 * Writes the list of a store anew without the entries that cannot be: those that lead behind its end, into the list, or to a copy that an earlier one has,
 * and a second one for the same chunk of the origin, which the kernel passes over. The copies stay where they are, and so do all entries that are
 * sound, in their order. Answers how many entries went, and how many of those were the only one for their chunk: what they stood for is lost.
 */
export function dropBadEntries(
  device: WritableStore,
  store: SnapshotStore,
  originBytes: number,
): { dropped: number; lost: number } {
  const { chunkBytes, exceptions } = store
  const perArea = entriesPerArea(chunkBytes)
  const storeChunks = Math.floor(Math.floor(device.size / storeSectorBytes) / store.chunkSectors)
  const originChunks = Math.ceil(originBytes / chunkBytes)
  const kept: [old: number, copy: number][] = []
  const usedCopies = new Set<number>()
  const seen = new Set<number>()
  const bad = new Set<number>()
  for (let index = 0; index < exceptions.count; index += 1) {
    const entry = Buffer.alloc(exceptionBytes)
    device.readSync(entry, areaChunk(chunkBytes, Math.floor(index / perArea)) * chunkBytes + (index % perArea) * exceptionBytes)
    const old = Number(entry.readBigUInt64LE(0))
    const copy = Number(entry.readBigUInt64LE(8))
    const isSound =
      old < originChunks && copy < storeChunks && !isMetadataChunk(chunkBytes, copy) && !usedCopies.has(copy) && !seen.has(old)
    if (isSound) {
      kept.push([old, copy])
      usedCopies.add(copy)
      seen.add(old)
    } else if (old < originChunks) bad.add(old)
  }
  const areas = Math.floor(kept.length / perArea) + 1
  for (let area = 0; area < areas; area += 1) {
    const bytes = Buffer.alloc(chunkBytes)
    for (const [at, [old, copy]] of kept.slice(area * perArea, (area + 1) * perArea).entries()) {
      bytes.writeBigUInt64LE(BigInt(old), at * exceptionBytes)
      bytes.writeBigUInt64LE(BigInt(copy), at * exceptionBytes + 8)
    }
    const chunk = areaChunk(chunkBytes, area)
    if ((chunk + 1) * chunkBytes <= device.size) device.writeSync(bytes, chunk * chunkBytes)
  }
  const { value: after } = readSnapshotStore(device, originBytes)
  return {
    dropped: exceptions.count - (after?.exceptions.count ?? kept.length),
    lost: [...bad].filter((old) => !seen.has(old)).length,
  }
}
