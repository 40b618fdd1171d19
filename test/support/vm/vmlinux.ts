import { spawnSync } from 'node:child_process'

/** Documentation/arch/x86/boot.rst: where the packed kernel lies behind the setup sectors. */
const setupSectorsAt = 0x1f1
const magicAt = 0x202
const payloadOffsetAt = 0x248
const payloadLengthAt = 0x24c
const sectorBytes = 512

/** What unpacks a payload that begins so. */
const unpackers: [begin: string, command: string[]][] = [
  ['fd377a58', ['xz', '-dc']],
  ['28b52ffd', ['zstd', '-dcq']],
  ['1f8b', ['gzip', '-dc']],
]

/** The ELF file inside of a bzImage. QEMU starts it directly, in a third of the time: an emulated processor need not unpack it. */
export function unpackedKernel(image: Buffer): Buffer {
  if (image.toString('latin1', magicAt, magicAt + 4) !== 'HdrS') throw new Error('this is no bzImage')
  const begin = ((image.readUInt8(setupSectorsAt) || 4) + 1) * sectorBytes + image.readUInt32LE(payloadOffsetAt)
  const payload = image.subarray(begin, begin + image.readUInt32LE(payloadLengthAt))
  const [, command] = unpackers.find(([start]) => payload.toString('hex', 0, 4).startsWith(start)) ?? []
  if (!command) throw new Error(`the kernel is packed in a way that begins with ${payload.toString('hex', 0, 4)}`)
  const [name = '', ...args] = command
  // The last four bytes are the length that it unpacks to; a packer does not know them, and gzip warns of them.
  const { stdout, error } = spawnSync(name, args, { input: payload.subarray(0, -4), maxBuffer: 1 << 30 })
  if (error) throw error
  if (stdout.toString('latin1', 1, 4) !== 'ELF') throw new Error('what the kernel unpacks to is no ELF file')
  return stdout
}
