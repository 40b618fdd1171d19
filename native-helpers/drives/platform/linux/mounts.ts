/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** "major:minor"; major 0 where the filesystem has no one device (btrfs, overlay, tmpfs). */
  number: string
  /** Which folder of the filesystem is mounted; not "/" for a bind mount or a subvolume. */
  root: string
  at: string
  fs: string
  source: string
  /** Options of the filesystem, where overlay names its folders. */
  options: string
}

export function parseMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    if (before === undefined || after === undefined) continue
    const [, , number, root, at] = before.split(' ')
    const [fs, source, options] = after.split(' ')
    if (!number || !root || !at || !fs) continue
    mounts.push({
      number,
      root: unescaped(root),
      at: unescaped(at),
      fs,
      source: unescaped(source ?? ''),
      options: unescaped(options ?? ''),
    })
  }
  return mounts
}

/** The partitions and files of /proc/swaps. */
export function parseSwaps(swaps: string): string[] {
  return swaps
    .split('\n')
    .slice(1)
    .map((line) => unescaped(line.split(/\s/)[0] ?? ''))
    .filter((path) => path !== '')
}

/** The mount that a path lies on: the deepest one, and of several at one place the last. */
export function mountOf(path: string, mounts: Mount[]): Mount | null {
  let found: Mount | null = null
  for (const mount of mounts) {
    const covers = mount.at === '/' || path === mount.at || path.startsWith(`${mount.at}/`)
    if (covers && (found === null || mount.at.length >= found.at.length)) found = mount
  }
  return found
}

/** The folders that an overlay is laid over, the writable one included. */
export function overlayFolders(mount: Mount): string[] {
  const folders: string[] = []
  for (const option of splitUnescaped(mount.options, ',')) {
    const equals = option.indexOf('=')
    const key = option.slice(0, equals)
    const value = option.slice(equals + 1)
    if (key === 'lowerdir') folders.push(...splitUnescaped(value, ':').filter((part) => part !== ''))
    else if (key === 'upperdir' || key === 'workdir' || key === 'lowerdir+' || key === 'datadir+') folders.push(value)
  }
  return folders.map((folder) => folder.replaceAll('\\', ''))
}

function splitUnescaped(value: string, separator: string): string[] {
  return value.split(new RegExp(`(?<!\\\\)${separator}`))
}

/** mountinfo and swaps write blank, tab, newline and backslash as three octal digits. */
function unescaped(value: string): string {
  return value.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
