import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { type FileFacts, kernelFacts } from './ext-tree-facts.ts'
import { mounted } from './kernel-mount.ts'
import type { CardPlace } from './lampone.ts'
import { tool } from './tools.ts'

/** A partition of an image as the kernel mounts it. */
export function inPlace<T>(path: string, { startBytes, sizeBytes }: CardPlace, how: string, use: (folder: string) => T): T {
  return mounted(path, `${how},offset=${startBytes},sizelimit=${sizeBytes}`, use)
}

/** A folder as the kernel shows it; sockets, which no archive holds, and the room of folders, which depends on who filled them, left out. */
export function filesOf(folder: string): Map<string, FileFacts> {
  return new Map(
    [...kernelFacts(folder)]
      .filter(([, { kind }]) => kind !== 'socket')
      .map(([path, fact]) => [path, fact.kind === 'folder' ? { ...fact, allocatedBytes: 0 } : fact]),
  )
}

/** Bytes of an image, with zeros wherever dumpe2fs says that the ext volume in `place` has nothing. */
export function withoutFree(image: string, { startBytes, sizeBytes }: CardPlace): Buffer {
  const bytes = wholeFile(image)
  const volume = `${image}.volume`
  writeFileSync(volume, bytes.subarray(startBytes, startBytes + sizeBytes))
  const said = tool('dumpe2fs', [volume])
  tool('rm', [volume])
  const blockBytes = Number(/^Block size:\s+(\d+)$/m.exec(said)?.[1])
  for (const [, list = ''] of said.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const run of list.split(', ').filter((one) => one !== '')) {
      const [first = 0, last = first] = run.split('-').map(Number)
      bytes.fill(0, startBytes + first * blockBytes, startBytes + (last + 1) * blockBytes)
    }
  }
  return bytes
}

function wholeFile(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const parts: Buffer[] = []
    for (;;) {
      const part = Buffer.alloc(16 * 1024 * 1024)
      const count = readSync(file, part)
      if (count === 0) return Buffer.concat(parts)
      parts.push(part.subarray(0, count))
    }
  } finally {
    closeSync(file)
  }
}
