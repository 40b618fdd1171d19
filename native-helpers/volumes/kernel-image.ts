import type { BlockDevice } from '../block/device.ts'
import { BannerSearch, bannerBytes } from './kernel-image-banner.ts'
import {
  type Architecture,
  architectureOf,
  isArm64Image,
  isElf,
  isRiscvImage,
  kernelHeadBytes,
  parseBzImage,
  parsePe,
  parseZboot,
  zImageBytes,
} from './kernel-image-headers.ts'
import { type Packing, packingOf } from './packing.ts'
import { pieceUpTo } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { type PackedRange, type Unpacked, unpack } from './unpack.ts'

/** A kernel as it lies in a boot folder. */
export interface KernelImage {
  /** As `uname -r` prints it when this kernel runs. */
  version: string
  architecture: Architecture | null
  /** "bzImage": PCs. "Image": arm64 and riscv64. "zImage": 32-bit ARM. "zboot": packed within an EFI program. "vmlinux": a plain ELF file. */
  form: 'bzImage' | 'Image' | 'zImage' | 'zboot' | 'vmlinux'
  /** Of the kernel itself, inside of whatever is around it; null for one that is not packed. */
  compression: Packing | null
  /** "kernel-cut-off", "kernel-damaged": it has a version, but it will not start. */
  problems: Problem[]
}

export interface KernelOptions {
  /** Also unpacks what is packed to its end, which compares its checksum; takes as long as that does. */
  thorough?: boolean
}

/** Kernels of distributions unpack to 20–80 MiB. What packs so slowly that this would take many seconds gets less. */
const maxUnpackedBytes = 256 * 1024 * 1024
const maxSlowlyUnpackedBytes = 96 * 1024 * 1024
const slow = new Set<Packing>(['bzip2', 'lzma', 'xz'])
const chunkBytes = 256 * 1024

/**
 * What a kernel image says of itself. Unpacks only until the version is found, a piece at a time. Throws only what the device throws.
 * Problems: "kernel-short", "kernel-none" (no form of a kernel that is known here), "kernel-no-version", "kernel-unpack".
 */
export async function kernelVersion(device: BlockDevice, { thorough = false }: KernelOptions = {}): Promise<Parsed<KernelImage>> {
  const head = pieceUpTo(device, 0, kernelHeadBytes)
  if (!head || head.length < 64) return unusable('kernel-short', `with ${device.size} bytes it is too short for a kernel`)
  const bzImage = parseBzImage(head)
  if (bzImage) return readBzImage(device, bzImage, thorough)
  const zboot = parseZboot(head)
  if (zboot) return readZboot(device, head, zboot, thorough)
  const zImage = zImageBytes(head)
  if (zImage !== null) return readZImage(device, zImage, thorough)
  if (isArm64Image(head) || isRiscvImage(head) || isElf(head)) return readPlain(device, head)
  const packing = packingOf(head)
  return packing ? readPacked(device, packing, thorough) : unusable('kernel-none', 'it is no kernel of a form that is known here')
}

async function readBzImage(
  device: BlockDevice,
  found: NonNullable<ReturnType<typeof parseBzImage>>,
  thorough: boolean,
): Promise<Parsed<KernelImage>> {
  const { version, architecture, wholeBytes, payload } = found
  if (version === null) return unusable('kernel-no-version', 'its header points at no version')
  const problems = cutOffProblems(device, wholeBytes)
  const compression = payload && packingOf(pieceUpTo(device, payload.start, 16) ?? new Uint8Array())
  if (thorough && payload && compression && problems.length === 0) {
    problems.push(...(await wholeProblems(device, { ...payload, end: payload.end - sizeBehind(compression) }, compression)))
  }
  return parsed({ version, architecture, form: 'bzImage', compression, problems })
}

async function readZboot(
  device: BlockDevice,
  head: Uint8Array,
  payload: NonNullable<ReturnType<typeof parseZboot>>,
  thorough: boolean,
): Promise<Parsed<KernelImage>> {
  const pe = parsePe(head)
  const problems = cutOffProblems(device, Math.max(payload.end, pe?.wholeBytes ?? 0))
  const range = { start: payload.start, end: Math.min(payload.end, device.size) }
  const packing = packingOf(pieceUpTo(device, range.start, 16) ?? new Uint8Array())
  if (!packing)
    return unusable('kernel-unpack', `its kernel is packed by "${payload.packing.slice(0, 32)}", which is not known here`)
  const { search, result } = await searchPacked(device, range, packing, thorough)
  if (search.version === null) return notFound(result)
  return parsed({
    version: search.version,
    architecture: search.architecture ?? pe?.architecture ?? null,
    form: 'zboot',
    compression: packing,
    problems: problems.length > 0 ? problems : damageOf(result),
  })
}

/** The packed kernel lies behind the code that unpacks it, at no place that all versions would tell: it is looked for. */
async function readZImage(device: BlockDevice, wholeBytes: number, thorough: boolean): Promise<Parsed<KernelImage>> {
  const maxTries = 8
  const searchedBytes = Math.min(device.size, 512 * 1024)
  const bytes = Buffer.from(pieceUpTo(device, 0, searchedBytes) ?? [])
  let last: Unpacked | null = null
  let tries = 0
  let leftBytes = maxSlowlyUnpackedBytes
  for (let at = 0x30; at < bytes.length && tries < maxTries && leftBytes > 0; at += 1) {
    const packing = packingOf(bytes.subarray(at, at + 16))
    if (!packing) continue
    tries += 1
    const range = { start: at, end: Math.min(device.size, wholeBytes) }
    const { search, result } = await searchPacked(device, range, packing, thorough, leftBytes)
    last = result
    leftBytes -= result.unpackedBytes
    if (search.version === null) continue
    const problems = cutOffProblems(device, wholeBytes)
    // The end of lz4 is only where the bytes end, and here something else follows.
    if (problems.length === 0 && packing !== 'lz4') problems.push(...damageOf(result))
    return parsed({ version: search.version, architecture: 'arm', form: 'zImage', compression: packing, problems })
  }
  return last ? notFound(last) : unusable('kernel-no-version', 'it holds no packed kernel')
}

/** The text stands among the constants, behind the code: at 45 % of Debian's kernel for arm64. What lies before is looked at last. */
const usualBeginning = 0.4

function readPlain(device: BlockDevice, head: Uint8Array): Parsed<KernelImage> {
  const end = Math.min(device.size, maxUnpackedBytes)
  const middle = Math.floor(end * usualBeginning)
  const version = searchPlain(device, middle, end) ?? searchPlain(device, 0, Math.min(end, middle + bannerBytes))
  if (version === null) return unusable('kernel-no-version', 'there is no version in it')
  return parsed({
    version,
    architecture: architectureOf(head),
    form: isElf(head) ? 'vmlinux' : 'Image',
    compression: null,
    problems: cutOffProblems(device, parsePe(head)?.wholeBytes ?? 0),
  })
}

function searchPlain(device: BlockDevice, start: number, end: number): string | null {
  const search = new BannerSearch()
  const buffer = new Uint8Array(chunkBytes)
  for (let at = start; at < end && search.version === null; at += chunkBytes) {
    const bytes = buffer.subarray(0, Math.min(chunkBytes, end - at))
    device.readSync(bytes, at)
    search.take(bytes)
  }
  return search.version
}

async function readPacked(device: BlockDevice, packing: Packing, thorough: boolean): Promise<Parsed<KernelImage>> {
  const { search, result } = await searchPacked(device, { start: 0, end: device.size }, packing, thorough)
  if (search.version === null) return notFound(result)
  const { version, architecture } = search
  const isImage = architecture === 'arm64' || architecture === 'riscv64'
  return parsed({ version, architecture, form: isImage ? 'Image' : 'vmlinux', compression: packing, problems: damageOf(result) })
}

async function searchPacked(
  device: BlockDevice,
  range: PackedRange,
  packing: Packing,
  thorough: boolean,
  limitBytes = slow.has(packing) ? maxSlowlyUnpackedBytes : maxUnpackedBytes,
): Promise<{ search: BannerSearch; result: Unpacked }> {
  const search = new BannerSearch()
  const take = (piece: Uint8Array): boolean => {
    search.take(piece)
    return thorough || search.version === null
  }
  return { search, result: await unpack({ device, range, packing, maxUnpackedBytes: limitBytes, take }) }
}

/** scripts/Makefile.lib: the size of what was packed is appended, in four bytes, where the format does not end with it as gzip does. */
function sizeBehind(packing: Packing): number {
  return packing === 'gzip' ? 0 : 4
}

async function wholeProblems(device: BlockDevice, range: PackedRange, packing: Packing): Promise<Problem[]> {
  const result = await unpack({ device, range, packing, maxUnpackedBytes, take: () => true })
  return damageOf(result)
}

function cutOffProblems(device: BlockDevice, wholeBytes: number): Problem[] {
  return device.size >= wholeBytes
    ? []
    : [{ code: 'kernel-cut-off', detail: `it has ${device.size} bytes of the ${wholeBytes} that its header tells of` }]
}

function damageOf({ end, detail }: Unpacked): Problem[] {
  if (end === 'cut-off') return [{ code: 'kernel-cut-off', detail: 'its packed part stops in the middle' }]
  return end === 'damaged' ? [{ code: 'kernel-damaged', detail: `its packed part is damaged: ${detail}` }] : []
}

function notFound({ end, detail }: Unpacked): { value: null; problem: Problem } {
  if (end === 'whole' || end === 'limit' || end === 'stopped')
    return unusable('kernel-no-version', 'there is no version in what it unpacks to')
  return unusable('kernel-unpack', `it does not unpack: ${detail}`)
}
