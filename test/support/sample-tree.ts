import { createHash } from 'node:crypto'
import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { seeded } from './tools.ts'

/** Fills a folder with files of many sizes, none of them compressible; on FAT there are no links. */
export function writeSampleTree(folder: string, seed: number, options: { files: number; links: boolean }): void {
  const random = seeded(seed)
  for (let index = 0; index < options.files; index += 1) {
    const inside = join(folder, `d${index % 7}`, `e${index % 3}`)
    mkdirSync(inside, { recursive: true })
    const size = Math.floor(random() ** 4 * 1_000_000)
    const bytes = Buffer.alloc(size)
    for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(Math.floor(random() * 0x1_0000_0000), at)
    writeFileSync(join(inside, `f${index}.bin`), bytes)
  }
  if (!options.links) return
  symlinkSync('d0/e0/f0.bin', join(folder, 'short-link'))
  symlinkSync('x'.repeat(200), join(folder, 'long-link'))
  linkSync(join(folder, 'd0/e0/f0.bin'), join(folder, 'hard-link'))
}

/** Every path below a folder with what it holds, for comparing two folders whole. */
export function treeContent(folder: string): Map<string, string> {
  const content = new Map<string, string>()
  const visit = (inside: string): void => {
    for (const name of readdirSync(inside).sort()) {
      const path = join(inside, name)
      const facts = lstatSync(path)
      const key = relative(folder, path)
      if (facts.isDirectory()) {
        content.set(key, 'folder')
        visit(path)
      } else if (facts.isSymbolicLink()) content.set(key, `-> ${readlinkSync(path)}`)
      else content.set(key, createHash('sha256').update(readFileSync(path)).digest('hex'))
    }
  }
  visit(folder)
  return content
}
