import type { BlockDevice } from '../block/device.ts'
import { startsWith } from './identity.ts'
import { CpioWalker } from './initrd-cpio.ts'
import { packedEnd } from './initrd-ends.ts'
import { isLz4Frame, type Packing, packingBytes, packingOf } from './packing.ts'
import { pieceUpTo } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { unpack } from './unpack.ts'

/** An initial RAM disk, as Linux takes it (init/initramfs.c): archives behind each other, each plain or packed. */
export interface InitrdFacts {
  /** How the last archive is packed, which is the one that matters; null where it is not. Microcode stands in front of it and is never packed. */
  packing: Packing | null
  /** Where that archive begins. */
  mainStart: number
  hasMicrocode: boolean
  /**
   * "whole": everything ends as it should, with every checksum that was looked at. "likely": the quick look, which does not unpack, found nothing wrong.
   * "unknown": it is packed by something that is not unpacked here.
   */
  end: 'whole' | 'likely' | 'cut-off' | 'damaged' | 'unknown'
  /** Null where it was not unpacked. */
  entries: number | null
  /** For which kernels it carries modules ("6.1.0-50-amd64"); null where it was not unpacked. */
  moduleVersions: string[] | null
  /** "initrd-cut-off", "initrd-damaged", "initrd-packing", "initrd-large". */
  problems: Problem[]
}

export interface InitrdOptions {
  /** Unpacks everything, which takes as long as that does; else a few reads. What looks wrong at a quick look is unpacked all the same. */
  thorough?: boolean
}

const maxParts = 64
/** Linux would need that much memory for it. */
const maxUnpackedBytes = 2 * 1024 * 1024 * 1024
const windowBytes = 64 * 1024

interface Look {
  device: BlockDevice
  thorough: boolean
  walker: CpioWalker
  unpackedAll: boolean
}

/** How far a part goes, and what is wrong with it. */
interface Part {
  endOffset: number
  end: InitrdFacts['end']
  problem: Problem | null
}

/**
 * Looks at an initial RAM disk without writing it anywhere, a piece at a time. Throws only what the device throws.
 * Problems: "initrd-empty", "initrd-none" (it begins as nothing that Linux would take).
 */
export async function checkInitrd(device: BlockDevice, { thorough = false }: InitrdOptions = {}): Promise<Parsed<InitrdFacts>> {
  const look: Look = { device, thorough, walker: new CpioWalker(), unpackedAll: true }
  const facts: InitrdFacts = {
    packing: null,
    mainStart: 0,
    hasMicrocode: false,
    end: 'whole',
    entries: null,
    moduleVersions: null,
    problems: [],
  }
  let parts = 0
  for (let at = skipZeros(device, 0); at < device.size; at = skipZeros(device, at)) {
    const head = pieceUpTo(device, at, packingBytes) ?? new Uint8Array()
    const isPlain = startsWith(head, '07070') && at % 4 === 0
    const packing = isPlain ? null : packingOf(head)
    if (!isPlain && packing === null) {
      if (parts === 0) return unusable('initrd-none', nothingText(head))
      return finish(look, facts, { endOffset: at, ...damaged('something that is no archive stands behind the first part') })
    }
    parts += 1
    if (parts > maxParts) return finish(look, facts, { endOffset: at, ...damaged(`it has more than ${maxParts} parts`) })
    facts.packing = packing
    facts.mainStart = at
    const part: Part = packing ? await readPacked(look, at, packing) : readPlain(look, at)
    if (part.problem) return finish(look, facts, part)
    if (part.end !== 'whole') facts.end = part.end
    at = part.endOffset
  }
  if (parts === 0) return unusable('initrd-empty', device.size === 0 ? 'it is empty' : 'it holds nothing but zeros')
  return finish(look, facts, null)
}

function finish({ walker, unpackedAll }: Look, facts: InitrdFacts, part: Part | null): Parsed<InitrdFacts> {
  return parsed({
    ...facts,
    hasMicrocode: walker.hasMicrocode,
    end: part?.end ?? facts.end,
    entries: unpackedAll ? walker.entries : null,
    moduleVersions: unpackedAll ? [...walker.moduleVersions].sort() : null,
    problems: part?.problem ? [part.problem] : [],
  })
}

function damaged(detail: string): Omit<Part, 'endOffset'> {
  return { end: 'damaged', problem: { code: 'initrd-damaged', detail } }
}

function cutOff(detail: string): Omit<Part, 'endOffset'> {
  return { end: 'cut-off', problem: { code: 'initrd-cut-off', detail } }
}

function nothingText(head: Uint8Array): string {
  if (isLz4Frame(head)) return 'it is packed in the frame format of lz4, which Linux does not unpack ("lz4 -l" makes the other)'
  if (startsWith(head, '070707'))
    return 'it is an archive of the old kind, which Linux does not take ("cpio -H newc" makes the other)'
  return 'it begins as nothing that Linux would take for an initial RAM disk'
}

/** Archives that are not packed are walked by their headers, their contents are left out. */
function readPlain({ device, walker }: Look, start: number): Part {
  let window = new Uint8Array()
  let windowStart = 0
  walker.placeAt(start)
  for (let at = start; ; ) {
    if (walker.damage !== null) return { endOffset: at, ...damaged(walker.damage) }
    const over = Math.min(walker.skippable, device.size - at)
    walker.skipped(over)
    at += over
    if (at > start && walker.between) return { endOffset: at, end: 'whole', problem: null }
    if (at >= device.size) return { endOffset: at, ...cutOff(`its archive stops behind ${walker.entries} entries`) }
    if (at < windowStart || at >= windowStart + window.length) {
      windowStart = at
      window = new Uint8Array(Math.min(windowBytes, device.size - at))
      device.readSync(window, at)
    }
    const piece = window.subarray(at - windowStart, at - windowStart + walker.wanted)
    walker.feed(piece)
    at += piece.length
  }
}

async function readPacked(look: Look, start: number, packing: Packing): Promise<Part> {
  const { device, thorough, walker } = look
  const range = { start, end: device.size }
  if (!thorough) {
    const { verdict, endOffset } = packedEnd(device, range, packing)
    look.unpackedAll = false
    if (verdict === 'whole' || verdict === 'likely') return { endOffset, end: 'likely', problem: null }
    if (verdict === 'cut-off') return { endOffset, ...cutOff(`its ${packing} data stops in the middle`) }
    if (verdict === 'damaged') return { endOffset, ...damaged(`its ${packing} data is damaged`) }
    look.unpackedAll = true
  }
  walker.placeAt(0)
  const take = (piece: Uint8Array): boolean => {
    walker.feed(piece)
    return walker.damage === null
  }
  const { end, endOffset, detail } = await unpack({ device, range, packing, maxUnpackedBytes, take })
  if (walker.damage !== null) return { endOffset, ...damaged(walker.damage) }
  if (end === 'cut-off') return { endOffset, ...cutOff(`its ${packing} data stops in the middle`) }
  if (end === 'damaged') return { endOffset, ...damaged(`its ${packing} data: ${detail}`) }
  if (end === 'limit')
    return {
      endOffset,
      end: 'unknown',
      problem: { code: 'initrd-large', detail: `more than ${maxUnpackedBytes} bytes come out of it` },
    }
  if (end === 'unsupported') {
    look.unpackedAll = false
    return { endOffset, end: 'unknown', problem: { code: 'initrd-packing', detail: `it is not looked into: ${detail}` } }
  }
  if (!walker.between) return { endOffset, ...cutOff(`its archive stops behind ${walker.entries} entries`) }
  return { endOffset, end: 'whole', problem: null }
}

function skipZeros(device: BlockDevice, start: number): number {
  const window = new Uint8Array(windowBytes)
  for (let at = start; at < device.size; at += windowBytes) {
    const bytes = window.subarray(0, Math.min(windowBytes, device.size - at))
    device.readSync(bytes, at)
    const found = bytes.findIndex((byte) => byte !== 0)
    if (found >= 0) return at + found
  }
  return device.size
}
