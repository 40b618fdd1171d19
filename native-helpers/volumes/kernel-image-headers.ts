import { readFields, u8, u16, u32, zeroTerminated } from './fields.ts'
import { startsWith } from './identity.ts'

/** As `uname -m` would print them, and "arm64" and "arm" as Debian calls these. */
export type Architecture = 'x86_64' | 'i386' | 'arm64' | 'arm' | 'riscv64'

/** What the headers here need to be looked at: the setup of an x86 kernel included, which has up to 64 sectors. */
export const kernelHeadBytes = 64 * 1024

/** Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". */
const setupFields = {
  setupSectors: u8(0x1f1),
  /** Of the part behind the setup, in units of 16 bytes. */
  systemUnits: u32(0x1f4),
  bootFlag: u16(0x1fe),
  protocol: u16(0x206),
  versionPointer: u16(0x20e),
  loadFlags: u16(0x236),
  payloadOffset: u32(0x248),
  payloadBytes: u32(0x24c),
}
const setupMagicOffset = 0x202
const bootFlag = 0xaa55
const sectorBytes = 512
/** `kernel_version` counts from here. */
const versionBase = 0x200
const loadFlag64 = 1
const protocolWithPayload = 0x0208
const protocolWithFlags = 0x020c
const maxVersionBytes = 256

export interface BzImage {
  /** The first word of the text that the header points at; null where it points at none. */
  version: string | null
  architecture: 'x86_64' | 'i386'
  /** What the header says of the length of the file. */
  wholeBytes: number
  /** Where the packed kernel lies; null where the header is too old to say so. */
  payload: { start: number; end: number } | null
}

/** A kernel for PCs; null where it is none. */
export function parseBzImage(head: Uint8Array): BzImage | null {
  const setup = readFields(setupFields, head)
  if (setup.bootFlag !== bootFlag || !startsWith(head, 'HdrS', setupMagicOffset)) return null
  const setupBytes = ((setup.setupSectors || 4) + 1) * sectorBytes
  const wholeBytes = setupBytes + setup.systemUnits * 16
  const at = setup.versionPointer + versionBase
  const points = setup.versionPointer !== 0 && at < setupBytes
  const text = points ? zeroTerminated(head, at, Math.min(maxVersionBytes, setupBytes - at)) : ''
  const start = setupBytes + setup.payloadOffset
  const end = start + setup.payloadBytes
  const hasPayload = setup.protocol >= protocolWithPayload && setup.payloadBytes > 0 && end <= wholeBytes
  return {
    version: /^(\d[\x21-\x7e]{0,63})( |$)/.exec(text)?.[1] ?? null,
    architecture: setup.protocol >= protocolWithFlags && setup.loadFlags & loadFlag64 ? 'x86_64' : 'i386',
    wholeBytes,
    payload: hasPayload ? { start, end } : null,
  }
}

/** Documentation/arch/arm64/booting.rst: a magic at byte 56 ("ARM\x64"). */
export function isArm64Image(head: Uint8Array): boolean {
  return startsWith(head, 'ARM\x64', 56)
}

/** Documentation/arch/riscv/boot-image-header.rst: the second of its two magics. */
export function isRiscvImage(head: Uint8Array): boolean {
  return startsWith(head, 'RSC\x05', 56)
}

/** arch/arm/boot/compressed/head.S */
const zImageFields = { magic: u32(0x24), start: u32(0x28), end: u32(0x2c) }
const zImageMagic = 0x016f2818

/** A kernel for 32-bit ARM that unpacks itself: how long it says that it is; null where it is none. */
export function zImageBytes(head: Uint8Array): number | null {
  const { magic, start, end } = readFields(zImageFields, head)
  return magic === zImageMagic && end > start ? end - start : null
}

/** drivers/firmware/efi/libstub/zboot-header.S */
const zbootFields = { payloadOffset: u32(8), payloadBytes: u32(12) }
const zbootNameOffset = 24
const zbootNameBytes = 32

/** An EFI program around a packed kernel, as Fedora has it for arm64; null where it is none. `packing` is the name in the header. */
export function parseZboot(head: Uint8Array): { start: number; end: number; packing: string } | null {
  if (!startsWith(head, 'MZ') || !startsWith(head, 'zimg', 4)) return null
  const { payloadOffset, payloadBytes } = readFields(zbootFields, head)
  if (payloadOffset < 64) return null
  return { start: payloadOffset, end: payloadOffset + payloadBytes, packing: zeroTerminated(head, zbootNameOffset, zbootNameBytes) }
}

/** Microsoft, "PE Format": the part behind the signature, and a section. */
const peFields = { machine: u16(4), sections: u16(6), optionalBytes: u16(20) }
const sectionFields = { rawBytes: u32(16), rawStart: u32(20) }
const peHeadBytes = 24
const sectionBytes = 40
const maxSections = 96
const peMachines = new Map<number, Architecture>([
  [0x8664, 'x86_64'],
  [0x014c, 'i386'],
  [0xaa64, 'arm64'],
  [0x01c2, 'arm'],
  [0x5064, 'riscv64'],
])

/** Of an EFI program: for which machine, and how long the file must be for its sections; null where it is none. */
export function parsePe(head: Uint8Array): { architecture: Architecture | null; wholeBytes: number } | null {
  const { at } = readFields({ at: u32(0x3c) }, head)
  if (!startsWith(head, 'MZ') || !startsWith(head, 'PE\0\0', at)) return null
  const { machine, sections, optionalBytes } = readFields(peFields, head.subarray(at))
  let wholeBytes = 0
  for (let index = 0; index < Math.min(sections, maxSections); index += 1) {
    const section = readFields(sectionFields, head.subarray(at + peHeadBytes + optionalBytes + index * sectionBytes))
    if (section.rawBytes > 0) wholeBytes = Math.max(wholeBytes, section.rawStart + section.rawBytes)
  }
  return { architecture: peMachines.get(machine) ?? null, wholeBytes }
}

/** elf.h */
const elfMachines = new Map<number, Architecture>([
  [3, 'i386'],
  [40, 'arm'],
  [62, 'x86_64'],
  [183, 'arm64'],
  [243, 'riscv64'],
])

export function isElf(head: Uint8Array): boolean {
  return startsWith(head, '\x7fELF')
}

/** Of a kernel that is not packed; null where its beginning tells nothing. */
export function architectureOf(head: Uint8Array): Architecture | null {
  if (isArm64Image(head)) return 'arm64'
  if (isRiscvImage(head)) return 'riscv64'
  return isElf(head) ? (elfMachines.get(readFields({ machine: u16(18) }, head).machine) ?? null) : null
}
