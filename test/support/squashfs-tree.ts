import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { noise } from './memory-device.ts'
import { missingTools, tool } from './tools.ts'

export interface TreeOptions {
  /** Entries of one folder; 20,000 makes its list reach over many blocks. */
  manyEntries: number
}

/** A block device, a character device, a fifo and a socket, which mksquashfs makes without root. */
export const pseudoEntries = [
  'dev/disk b 660 0 6 259 3',
  'dev/console c 600 0 5 5 1',
  'dev/pipe i 644 1000 1000 f',
  'dev/plug i 600 0 0 s',
]

const words = 'the quick brown fox jumps over the lazy dog while nobody looks '

/** Every kind of thing that an image can hold, sizes around the borders of blocks of 4 KiB, 128 KiB and 1 MiB, names and times of every kind. */
export function makeTree(folder: string, { manyEntries }: TreeOptions): void {
  const at = (path: string) => join(folder, path)
  for (const path of ['files', 'many', 'deep/a/b/c/d', 'empty folder', 'dev']) mkdirSync(at(path), { recursive: true })
  for (const sizeBytes of [0, 1, 4095, 4096, 4097, 131071, 131072, 131073, 400_000, 1024 * 1024 + 5])
    writeFileSync(at(`files/text-${sizeBytes}`), words.repeat(Math.ceil(sizeBytes / words.length)).slice(0, sizeBytes))
  for (const sizeBytes of [700, 4096, 300_000]) writeFileSync(at(`files/noise-${sizeBytes}`), noise(sizeBytes, sizeBytes))
  writeFileSync(at('files/zeros'), new Uint8Array(1_500_000))
  sparseFile(at('files/sparse'), 9_000_000, [0, 1_200_000, 4_700_001, 8_999_000])
  linkSync(at('files/text-4097'), at('deep/a/hard link'))
  linkSync(at('files/text-4097'), at('deep/a/b/another'))
  symlinkSync('../files/text-1', at('deep/link'))
  symlinkSync(`/${'long/'.repeat(400)}`, at('deep/long-link'))
  writeFileSync(at('deep/Ærøskøbing — 東京'), 'names\n')
  for (let index = 0; index < manyEntries; index += 1) writeFileSync(at(`many/entry-${index}`), index % 7 === 0 ? `${index}\n` : '')
  chmodSync(at('files/text-1'), 0o4755)
  chmodSync(at('deep/a'), 0o1777)
  utimesSync(at('files/text-0'), 0, 0)
  utimesSync(at('files/text-1'), 0xff00_0000, 0xff00_0000)
  lutimesSync(at('deep/link'), 1_234_567_890, 1_234_567_890)
  if (process.getuid?.() === 0) {
    lchownSync(at('files/text-0'), 1000, 100)
    lchownSync(at('deep/link'), 4_000_000_000, 3_999_999_999)
  }
  addXattrs(folder)
}

function addXattrs(folder: string): void {
  if (missingTools('setfattr')) return
  const names = process.getuid?.() === 0 ? ['user.note', 'trusted.place', 'security.mark'] : ['user.note']
  const long = 'a value that several files have, so that it stands once only '.repeat(20)
  for (const [index, path] of ['files/text-1', 'files/text-4097', 'deep/a', 'files/noise-700', 'many/entry-1'].entries()) {
    for (const name of names) tool('setfattr', ['-n', name, '-v', `${name} ${index}`, join(folder, path)])
    tool('setfattr', ['-n', 'user.long', '-v', long, join(folder, path)])
  }
}

function sparseFile(path: string, sizeBytes: number, places: number[]): void {
  const file = openSync(path, 'w')
  ftruncateSync(file, sizeBytes)
  for (const place of places) writeSync(file, noise(1000, place + 1), 0, 1000, place)
  closeSync(file)
}
