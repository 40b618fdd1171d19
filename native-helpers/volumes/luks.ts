import { createHash } from 'node:crypto'
import type { BlockDevice } from '../block/device.ts'
import { luksSecondOffsets } from './identify-linux.ts'
import { labelText, startsWith } from './identity.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

/** LUKS1 On-Disk Format Specification 1.2.3 and LUKS2 On-Disk Format Specification 1.1.1; numbers are big-endian. */
const magic = 'LUKS\xba\xbe'
const secondMagic = 'SKUL\xba\xbe'
const binaryBytes = 4096
const sumOffset = 448
const sumBytes = 64
const luks1 = { headerBytes: 592, cipherName: 8, cipherMode: 40, payloadSector: 104, keyBytes: 108, uuid: 168 }
/** A header with its JSON is one of these (LUKS2, 3.1). */
const headerSizes = [0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000]

export interface LuksFacts {
  version: 1 | 2
  label: string | null
  uuid: string | null
  /** "aes-xts-plain64"; null where the header does not tell. */
  cipher: string | null
  keyBits: number | null
  /** Where the encrypted data begins; null where the header does not tell. */
  payloadOffset: number | null
  /** Of LUKS2: which of the two headers can be used. */
  copies: { first: boolean; second: boolean } | null
  problems: Problem[]
}

interface Header2 {
  sequence: bigint
  label: string | null
  uuid: string | null
  json: unknown
}

export function readLuksFacts(device: BlockDevice): Parsed<LuksFacts> {
  const head = pieceOf(device, 0, binaryBytes)
  if (head && startsWith(head, magic) && head[7] === 1 && head[6] === 0) return parsed(luks1Facts(head, device.size))
  const first = readHeader2(device, 0)
  const size = head && startsWith(head, magic) ? sizeOf(head) : null
  const second = (size === null ? luksSecondOffsets : [size, ...luksSecondOffsets]).reduce<Header2 | null>(
    (found, offset) => found ?? readHeader2(device, offset),
    null,
  )
  const newest = second && (!first || second.sequence > first.sequence) ? second : first
  if (!newest) {
    return head && startsWith(head, magic)
      ? unusable('luks-damaged', 'neither of its two headers is whole')
      : unusable('luks-none', 'there is no LUKS header')
  }
  const problems: Problem[] = []
  if (!first) problems.push({ code: 'luks-first-header', detail: 'the first of its two headers is damaged' })
  if (!second) problems.push({ code: 'luks-second-header', detail: 'the second of its two headers is damaged' })
  if (first && second && first.sequence !== second.sequence) {
    problems.push({ code: 'luks-headers-differ', detail: 'its two headers are not of the same time' })
  }
  const segment = firstSegment(newest.json)
  if (segment.offset !== null && segment.offset >= device.size) {
    problems.push({ code: 'luks-cut-off', detail: 'its encrypted data lies behind its end' })
  }
  return parsed({
    version: 2,
    label: newest.label,
    uuid: newest.uuid,
    cipher: segment.cipher,
    keyBits: segment.keyBits,
    payloadOffset: segment.offset,
    copies: { first: first !== null, second: second !== null },
    problems,
  })
}

function luks1Facts(head: Uint8Array, deviceBytes: number): LuksFacts {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const name = labelText(head.subarray(luks1.cipherName, luks1.cipherName + 32))
  const mode = labelText(head.subarray(luks1.cipherMode, luks1.cipherMode + 32))
  const payloadOffset = view.getUint32(luks1.payloadSector) * 512
  const cutOff = payloadOffset >= deviceBytes
  return {
    version: 1,
    label: null,
    uuid: labelText(head.subarray(luks1.uuid, luks1.uuid + 40)),
    cipher: name && mode && `${name}-${mode}`,
    keyBits: view.getUint32(luks1.keyBytes) * 8,
    payloadOffset,
    copies: null,
    problems: cutOff ? [{ code: 'luks-cut-off', detail: 'its encrypted data lies behind its end' }] : [],
  }
}

function sizeOf(head: Uint8Array): number | null {
  const size = Number(new DataView(head.buffer, head.byteOffset, head.byteLength).getBigUint64(8))
  return headerSizes.includes(size) ? size : null
}

/** One header with its JSON, whose checksum is right; null where there is none at this place. */
function readHeader2(device: BlockDevice, offset: number): Header2 | null {
  const head = pieceOf(device, offset, binaryBytes)
  if (!head || !startsWith(head, offset === 0 ? magic : secondMagic)) return null
  const view = new DataView(head.buffer)
  const size = sizeOf(head)
  if (view.getUint16(6) !== 2 || size === null || view.getBigUint64(256) !== BigInt(offset)) return null
  const whole = pieceOf(device, offset, size)
  if (!whole || labelText(head.subarray(72, 104)) !== 'sha256') return null
  const stored = whole.slice(sumOffset, sumOffset + 32)
  whole.fill(0, sumOffset, sumOffset + sumBytes)
  if (!createHash('sha256').update(whole).digest().equals(stored)) return null
  return {
    sequence: view.getBigUint64(16),
    label: labelText(head.subarray(24, 72)),
    uuid: labelText(head.subarray(168, 208)),
    json: jsonIn(whole.subarray(binaryBytes)),
  }
}

function jsonIn(area: Uint8Array): unknown {
  const end = area.indexOf(0)
  try {
    return JSON.parse(Buffer.from(end < 0 ? area : area.subarray(0, end)).toString('utf8'))
  } catch {
    return null
  }
}

/** { "segments": { "0": { "type": "crypt", "offset": "16777216", "encryption": "aes-xts-plain64" } }, "keyslots": { "0": { "key_size": 64 } } } */
function firstSegment(json: unknown): { cipher: string | null; offset: number | null; keyBits: number | null } {
  const segment = member(member(json, 'segments'), '0')
  const cipher = member(segment, 'encryption')
  const offset = Number(member(segment, 'offset'))
  const slots = member(json, 'keyslots')
  const slot = typeof slots === 'object' && slots !== null ? Object.values(slots)[0] : null
  const keyBytes = member(slot, 'key_size')
  return {
    cipher: typeof cipher === 'string' ? cipher : null,
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : null,
    keyBits: typeof keyBytes === 'number' && Number.isSafeInteger(keyBytes) ? keyBytes * 8 : null,
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null
}
