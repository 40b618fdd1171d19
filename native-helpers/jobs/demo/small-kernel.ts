import { gzipSync } from 'node:zlib'

/**
 * Kernels and initial RAM disks for practice cards: in the form of real ones, so that every tool takes them for what they are and reads their version,
 * and without code, so that a card stays small. A machine that starts one stops at once.
 */
const kernelBytes = 64 * 1024
const builder = 'practice@livecard'

export function smallKernel(architecture: 'arm64' | 'x86', version: string): Uint8Array {
  return architecture === 'arm64' ? armImage(version) : bzImage(version)
}

/** Documentation/arch/arm64/booting.rst, with the words that every kernel prints first (init/version.c). */
function armImage(version: string): Uint8Array {
  const image = Buffer.alloc(kernelBytes)
  image.write('MZ', 0, 'latin1')
  image.writeBigUInt64LE(BigInt(kernelBytes), 16)
  /** Little-endian, pages of 4 KiB, anywhere in memory. */
  image.writeBigUInt64LE(0xan, 24)
  image.write('ARM\x64', 56, 'latin1')
  image.write(`Linux version ${version} (${builder}) #1 SMP\n\0`, kernelBytes / 2, 'latin1')
  return image
}

/** Documentation/arch/x86/boot.rst: the setup part points at its version. */
function bzImage(version: string): Uint8Array {
  const image = Buffer.alloc(kernelBytes)
  const setupSectors = 4
  const versionAt = 0x400
  image.writeUInt8(setupSectors, 0x1f1)
  image.writeUInt32LE((kernelBytes - (setupSectors + 1) * 512) / 16, 0x1f4)
  image.writeUInt16LE(0xaa55, 0x1fe)
  image.write('\xeb\x66HdrS', 0x200, 'latin1')
  image.writeUInt16LE(0x20f, 0x206)
  image.writeUInt16LE(versionAt - 0x200, 0x20e)
  /** It is loaded high: a bzImage, and no zImage. */
  image.writeUInt8(1, 0x211)
  image.write(`${version} (${builder}) #1 SMP\0`, versionAt, 'latin1')
  return image
}

/** Files as an archive that Linux unpacks into memory (Documentation/driver-api/early-userspace/buffer-format.rst), packed by gzip. */
export function smallInitrd(files: Readonly<Record<string, string>>): Uint8Array {
  const entries = [...Object.entries(files), ['TRAILER!!!', ''] as const].map(([name, content], index) => {
    const bytes = Buffer.from(content)
    const mode = name === 'TRAILER!!!' ? 0 : 0o100755
    const numbers = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0]
    const head = `070701${numbers.map((value) => value.toString(16).padStart(8, '0').toUpperCase()).join('')}${name}\0`
    return Buffer.concat([filledUp(Buffer.from(head)), filledUp(bytes)])
  })
  return gzipSync(Buffer.concat(entries))
}

function filledUp(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
