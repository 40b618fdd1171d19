/** "base-essential-console.amd64.sqfs.img" (roboshim/modular-debian, README.md and notes.md): each level stands on the one before it. */
export interface ModuleName {
  /** "base", "essential", "console". */
  levels: string[]
  /** As Debian names it; null where the name has none. */
  architecture: string | null
  /** In small letters; the second one is what live-boot looks for. */
  suffix: (typeof moduleSuffixes)[number]
}

export const moduleSuffixes = ['.sqfs.img', '.squashfs'] as const

/** Debian's architectures, and where each keeps its libraries (wiki.debian.org/Multiarch/Tuples). */
export const architectureFolders = new Map([
  ['x86_64-linux-gnu', 'amd64'],
  ['i386-linux-gnu', 'i386'],
  ['aarch64-linux-gnu', 'arm64'],
  ['arm-linux-gnueabihf', 'armhf'],
  ['arm-linux-gnueabi', 'armel'],
  ['powerpc64le-linux-gnu', 'ppc64el'],
  ['powerpc-linux-gnu', 'powerpc'],
  ['riscv64-linux-gnu', 'riscv64'],
  ['s390x-linux-gnu', 's390x'],
  ['mips64el-linux-gnuabi64', 'mips64el'],
  ['mipsel-linux-gnu', 'mipsel'],
])
const architectures = new Set(architectureFolders.values())

export function parseModuleName(file: string): ModuleName | null {
  const suffix = moduleSuffixes.find((ending) => file.toLowerCase().endsWith(ending))
  if (!suffix) return null
  const stem = file.slice(0, -suffix.length)
  const dot = stem.lastIndexOf('.')
  const ending = stem.slice(dot + 1).toLowerCase()
  const hasArchitecture = dot > 0 && architectures.has(ending)
  const levels = (hasArchitecture ? stem.slice(0, dot) : stem).split('-')
  return levels.every((level) => level !== '') ? { levels, architecture: hasArchitecture ? ending : null, suffix } : null
}

/** What tells modules apart; FAT does not keep the case of names. */
export function chainKey(levels: readonly string[], architecture: string | null): string {
  return `${levels.join('-').toLowerCase()}.${architecture ?? ''}`
}

export function nameOf({ levels, architecture, suffix }: ModuleName): string {
  return `${levels.join('-')}${architecture ? `.${architecture}` : ''}${suffix}`
}
