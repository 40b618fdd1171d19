import type { Problem } from '../problem.ts'

/**
 * autoboot.txt of the Raspberry Pi (documentation, "config_txt/autoboot.adoc"): which partition the firmware boots from, and which once after a reboot with
 * the flag "tryboot". It must be read whole in one sector, and knows three filters only.
 */
export const maxAutobootBytes = 512
const filters = new Set(['all', 'none', 'tryboot'])

export interface AutobootChoice {
  /** Null where nothing is said: the firmware then looks for the first partition that it can boot from. */
  bootPartition: number | null
  /** Whether "tryboot" is about partitions, and not about tryboot.txt instead of config.txt. */
  trybootAB: boolean
}

export interface Autoboot {
  normal: AutobootChoice
  /** With the flag. */
  trial: AutobootChoice
  /** "autoboot-long", "autoboot-filter", "autoboot-line", "autoboot-value". */
  problems: Problem[]
}

export function parseAutoboot(bytes: Uint8Array): Autoboot {
  const problems: Problem[] = []
  if (bytes.length > maxAutobootBytes) {
    problems.push({
      code: 'autoboot-long',
      detail: `it has ${bytes.length} bytes, and only the first ${maxAutobootBytes} are read`,
    })
  }
  const text = Buffer.from(bytes.subarray(0, maxAutobootBytes)).toString('latin1')
  const normal: AutobootChoice = { bootPartition: null, trybootAB: false }
  const trial: AutobootChoice = { bootPartition: null, trybootAB: false }
  let filter = 'all'
  for (const [index, written] of text.split('\n').entries()) {
    const line = (written.split('#')[0] ?? '').trim()
    if (line === '') continue
    const section = /^\[([^\]]*)\]$/.exec(line)?.[1]?.trim().toLowerCase()
    if (section !== undefined) {
      filter = section
      if (!filters.has(section))
        problems.push({ code: 'autoboot-filter', detail: `the filter [${section}] is not known in autoboot.txt` })
      continue
    }
    const choices = filter === 'all' ? [normal, trial] : filter === 'tryboot' ? [trial] : []
    const problem = applyLine(line, choices)
    if (problem) problems.push({ ...problem, detail: `line ${index + 1}: ${problem.detail}` })
  }
  return { normal, trial, problems }
}

function applyLine(line: string, choices: readonly AutobootChoice[]): Problem | null {
  const [name = '', value = '', ...more] = line.split('=').map((part) => part.trim())
  if (value === '' || more.length > 0) return { code: 'autoboot-line', detail: `"${line.slice(0, 40)}" is no setting` }
  // Other settings of config.txt may stand here, and mean nothing for the choice.
  if (name !== 'boot_partition' && name !== 'tryboot_a_b') return null
  if (!/^\d{1,3}$/.test(value)) return { code: 'autoboot-value', detail: `"${value.slice(0, 20)}" is no number for ${name}` }
  for (const choice of choices) {
    if (name === 'boot_partition') choice.bootPartition = Number(value)
    else choice.trybootAB = Number(value) === 1
  }
  return null
}

/** As rpi-image-gen writes it: `normal` is the partition of the usual boot, `trial` of the one with the flag. */
export function formatAutoboot(normal: number, trial: number): string {
  return `[all]\ntryboot_a_b=1\nboot_partition=${normal}\n[tryboot]\nboot_partition=${trial}\n`
}
