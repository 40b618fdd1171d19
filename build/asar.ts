/**
 * Electron's archive format for a few flat files. It is a Chromium pickle around a JSON index, then the bodies one after another
 * (github.com/electron/asar, "Format"): four little-endian words, the index padded to a multiple of four, the bodies.
 */
export function asarOf(files: ReadonlyMap<string, Buffer>): Buffer {
  const index: Record<string, { size: number; offset: string }> = {}
  let offset = 0
  for (const [name, body] of files) {
    index[name] = { size: body.length, offset: String(offset) }
    offset += body.length
  }
  const json = Buffer.from(JSON.stringify({ files: index }))
  const padded = Buffer.alloc(Math.ceil(json.length / 4) * 4)
  json.copy(padded)
  const head = Buffer.alloc(16)
  // First pickle: its payload is one word, the length of the second pickle. Second pickle: payload length, then a string with its length.
  head.writeUInt32LE(4, 0)
  head.writeUInt32LE(padded.length + 8, 4)
  head.writeUInt32LE(padded.length + 4, 8)
  head.writeUInt32LE(json.length, 12)
  return Buffer.concat([head, padded, ...files.values()])
}
