import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { BlockNode } from './sysfs.ts'

const run = promisify(execFile)

export interface Content {
  fs: string | null
  label: string | null
}

/** A stick that is dying must not hold up the list. */
const waitMs = 5000
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }

/**
 * What lies on each device, by the kernel's name. These are for people to tell drives apart; what is safe is read from the kernel. lsblk knows
 * what udev found out; where no udev runs, only root can look for himself.
 */
export async function contents(nodes: Map<string, BlockNode>): Promise<Map<string, Content>> {
  const known = await fromLsblk()
  if (existsSync('/run/udev/data') || process.getuid?.() !== 0) return known
  const unknown = [...nodes.values()].filter((node) => node.sizeBytes > 0 && !known.get(node.name)?.fs)
  const found = await Promise.all(unknown.map(async ({ name, path }) => [name, await fromBlkid(path)] as const))
  for (const [name, content] of found) if (content !== null) known.set(name, content)
  return known
}

const row = z.object({
  kname: z.string(),
  fstype: z.string().nullish(),
  label: z.string().nullish(),
  partlabel: z.string().nullish(),
})
const output = z.object({ blockdevices: z.array(row) })

async function fromLsblk(): Promise<Map<string, Content>> {
  try {
    const words = ['--json', '--list', '--all', '--output', 'KNAME,FSTYPE,LABEL,PARTLABEL']
    const { stdout } = await run('lsblk', words, { timeout: waitMs, env: environment })
    const rows = output.parse(JSON.parse(stdout)).blockdevices
    return new Map(
      rows.map(({ kname, fstype, label, partlabel }) => [
        kname.replaceAll('/', '!'),
        { fs: fstype ?? null, label: label ?? partlabel ?? null },
      ]),
    )
  } catch {
    return new Map()
  }
}

/** blkid(8) with --probe prints a line NAME=value for each thing it found; of several devices it would stop at the first that is empty. */
async function fromBlkid(path: string): Promise<Content | null> {
  try {
    const { stdout } = await run('blkid', ['--probe', '--output', 'export', path], { timeout: waitMs, env: environment })
    const fields = new Map(
      stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), unescaped(line.slice(line.indexOf('=') + 1))]),
    )
    return { fs: fields.get('TYPE') ?? null, label: fields.get('LABEL') ?? fields.get('PART_ENTRY_NAME') ?? null }
  } catch {
    return null
  }
}

/** The export format puts a backslash before what a shell would take for its own. */
function unescaped(value: string): string {
  return value.replace(/\\(.)/g, '$1')
}
