import { findNode, type VolumeTree } from '../../volumes/tree.ts'
import { firstNamed, textOf } from '../linux-root.ts'

/** A line of config.txt with the filters above it; "all" where there is none. */
interface ConfigLine {
  section: string
  key: string
  value: string
}

export interface BootFile {
  path: string
  /** For all boards, or for those that a filter names: "pi5". */
  section: string
}

export interface BootFiles {
  /** What config.txt names, or the firmware's own names that are there. */
  kernels: BootFile[]
  /** What is named there and is not. */
  missingKernels: BootFile[]
  initramfs: BootFile[]
  missingInitramfs: BootFile[]
  /** The file with the kernel's command line. */
  cmdline: string
}

/** By board: Pi 5, 64 bits, Pi 4, Pi 2 and 3, Pi 1 (raspberrypi/documentation, config_txt/boot.adoc). */
const defaultKernels = ['kernel_2712.img', 'kernel8.img', 'kernel7l.img', 'kernel7.img', 'kernel.img']
/** Lines of these take a value behind a space, as one of the oldest options still does. */
const spacedKeys = new Set(['initramfs', 'kernel', 'cmdline'])
const maxLines = 10_000

/** What the firmware loads from a boot partition, by its config.txt (raspberrypi/documentation, config_txt/boot.adoc and conditional.adoc). */
export function bootFilesOf(tree: VolumeTree): BootFiles {
  const lines = configLines(textOf(tree, 'config.txt') ?? '')
  const prefix = last(lines, 'os_prefix')?.value ?? ''
  const placed = (name: string): string => `${prefix}${name}`
  const isThere = ({ path }: BootFile): boolean => findNode(tree, path)?.kind === 'file'

  const named = lines.filter(({ key }) => key === 'kernel').map(({ section, value }) => ({ section, path: placed(value) }))
  const forAll = named.some(({ section }) => section === 'all')
  const usual = forAll ? [] : defaultKernels.map((name) => ({ section: 'all', path: placed(name) })).filter(isThere)
  const kernels = [...named.filter(isThere), ...usual.filter(({ path }) => !named.some((kernel) => kernel.path === path))]
  const missingKernels = named.filter((kernel) => !isThere(kernel))
  if (kernels.length === 0 && missingKernels.length === 0) {
    missingKernels.push({ section: 'all', path: placed(firstNamed(tree, defaultKernels) ?? 'kernel8.img') })
  }

  const initramfs = lines
    .filter(({ key }) => key === 'initramfs')
    .flatMap(({ section, value }) => {
      const [names = ''] = value.split(/\s+/)
      return names.split(',').map((name) => ({ section, path: placed(name) }))
    })
  if (isOn(last(lines, 'auto_initramfs')?.value)) {
    for (const { section, path } of kernels) {
      const name = path.slice(prefix.length)
      // kernel8.img → initramfs8, kernel_2712.img → initramfs_2712; any other name has none.
      const fitting = /^kernel(.*)\.img$/.exec(name)?.[1]
      if (fitting !== undefined) initramfs.push({ section, path: placed(`initramfs${fitting}`) })
    }
  }
  return {
    kernels,
    missingKernels,
    initramfs: initramfs.filter(isThere),
    missingInitramfs: initramfs.filter((file) => !isThere(file)),
    cmdline: placed(last(lines, 'cmdline')?.value ?? 'cmdline.txt'),
  }
}

function configLines(text: string): ConfigLine[] {
  const lines: ConfigLine[] = []
  let section = 'all'
  for (const raw of text.split('\n', maxLines)) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const filter = /^\[(.*)\]$/.exec(line)?.[1]
    if (filter !== undefined) {
      section = filter.trim().toLowerCase()
      continue
    }
    const [key = '', value = ''] = splitLine(line)
    if (section !== 'none') lines.push({ section, key, value })
  }
  return lines
}

function splitLine(line: string): [key: string, value: string] {
  const equals = line.indexOf('=')
  const space = line.search(/\s/)
  const spaced = space > 0 && spacedKeys.has(line.slice(0, space)) && (equals < 0 || space < equals)
  const at = spaced ? space : equals
  return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
}

/** The last line counts. */
function last(lines: readonly ConfigLine[], key: string): ConfigLine | undefined {
  return lines.findLast((line) => line.key === key)
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0'
}
