import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)

const row = z.object({
  kname: z.string(),
  fstype: z.string().nullish(),
  label: z.string().nullish(),
  partlabel: z.string().nullish(),
})
const output = z.object({ blockdevices: z.array(row) })

export interface Content {
  fs: string | null
  label: string | null
}

/**
 * What lies on each device, by the kernel's name. lsblk asks udev, or the device itself where there is no udev and we may. It is asked for
 * labels only: what is safe is read from the kernel, and a stick that is dying must not hold up the list.
 */
export async function contents(): Promise<Map<string, Content>> {
  try {
    const { stdout } = await run('lsblk', ['--json', '--list', '--all', '--output', 'KNAME,FSTYPE,LABEL,PARTLABEL'], {
      timeout: 5000,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    const rows = output.parse(JSON.parse(stdout)).blockdevices
    return new Map(
      rows.map(({ kname, fstype, label, partlabel }) => [kname, { fs: fstype ?? null, label: label ?? partlabel ?? null }]),
    )
  } catch {
    return new Map()
  }
}
