import { argumentValue } from '../../volumes/boot-config/entry.ts'
import { type GrubConfig, type GrubEntry, grubEntryNamed, parseGrubCfg } from '../../volumes/boot-config/grub-cfg.ts'
import type { IsoPart } from './iso-part.ts'

/** Arguments by which a system of this family knows that its repair entry was chosen. */
const repairArguments = ['kernel-partition-restore', 'liveng-fallback', 'sk-factory-reset']
const isoUuidForm = /\d{4}(?:-\d\d){6}/

export interface MenuTargets {
  system: IsoPart | null
  kernel: IsoPart | null
  systemNumber: number | null
  kernelNumber: number | null
  /** As they will be. */
  systemUuid: string | null
  kernelUuid: string | null
  /** In small letters, of everything else on the card that an entry may mean. */
  otherUuids: ReadonlySet<string>
}

/**
 * The text of a boot menu with every UUID that leads nowhere, or to the wrong one of two that were equal, set to the partition that the entry is meant for,
 * and with a fallback that exists. Null where it cannot be told how, or where the text is written in a way that is not changed here; the same text
 * where nothing is to be done. Only these words are changed.
 */
export function mendedMenu(text: string, targets: MenuTargets): string | null {
  const config = parseGrubCfg(text)
  const parts = entryParts(text)
  if (parts.length !== config.entries.length + 1) return null
  const [head = '', ...blocks] = parts
  const wanted = config.entries.map((entry, at) => wantedOf(entry, at === 0 || isDefault(config, entry), targets))
  const mended = [head, ...blocks.map((block, at) => mendedEntry(block, config.entries[at], wanted[at] ?? null, targets))].join('')
  const spare = config.entries.find((entry, at) => wanted[at] === 'system' && !isDefault(config, entry))
  const withFallback = mendedFallback(mended, config, spare)
  return isMended(withFallback, config, wanted, targets) ? withFallback : null
}

/** The UUID that a menu looks for the kernel partition by, where that is not to be had any more; null where it tells none. */
export function kernelUuidIn(text: string, targets: MenuTargets): string | null {
  const config = parseGrubCfg(text)
  const entry = config.entries.find((one, at) => wantedOf(one, at === 0 || isDefault(config, one), targets) === 'kernel')
  return (entry && searchOf(entry)?.value) ?? null
}

/**
 * The text as long as it has to be, so that it lies where the old one did: filled up with empty lines, or without the blanks that lines begin with. Null
 * where it is too long all the same.
 */
export function withLength(text: string, length: number): string | null {
  let over = text.length - length
  const shorter =
    over <= 0
      ? text
      : text.replaceAll(/^[ \t]+/gm, (blanks) => {
          const kept = Math.max(0, blanks.length - Math.max(0, over))
          over -= blanks.length - kept
          return blanks.slice(0, kept)
        })
  return shorter.length > length ? null : shorter.padEnd(length, '\n')
}

type Target = 'system' | 'kernel' | null

/** Which partition an entry is meant for, by where it leads, or else by its hints, by what it tells the kernel, and by its place. */
function wantedOf(entry: GrubEntry, isFirst: boolean, targets: MenuTargets): Target {
  const { system, kernel, systemNumber, kernelNumber } = targets
  const search = searchOf(entry)
  if (!search) return null
  const [isSystem, isKernel] = [system?.iso.uuid === search.value, kernel?.iso.uuid === search.value]
  // A kernel partition that cannot be read may have had the same one.
  if (kernel && isSystem !== isKernel) return isSystem ? 'system' : 'kernel'
  const hinted = (number: number | null) => search.hints.some((hint) => new RegExp(`,(msdos|gpt)?${number}$`).test(hint))
  if (hinted(systemNumber) !== hinted(kernelNumber)) return hinted(systemNumber) ? 'system' : 'kernel'
  if (isSystem && !isKernel) return 'system'
  if (repairArguments.some((name) => argumentValue(entry.arguments, name) !== null)) return 'system'
  return isFirst ? 'kernel' : 'system'
}

function searchOf(entry: GrubEntry) {
  return entry.searches.findLast(({ by }) => by === 'uuid') ?? null
}

function isDefault(config: GrubConfig, entry: GrubEntry): boolean {
  const first = (config.defaultEntry && grubEntryNamed(config, config.defaultEntry)) || config.entries[0]
  return entry === first
}

/** What stands before the first entry, and then each entry with what follows it. */
function entryParts(text: string): string[] {
  const starts = [...text.matchAll(/^[ \t]*(?:menuentry|hiddenentry)\b/gm)].map(({ index }) => index)
  return [text.slice(0, starts[0]), ...starts.map((start, at) => text.slice(start, starts[at + 1]))]
}

function mendedEntry(block: string, entry: GrubEntry | undefined, wanted: Target, targets: MenuTargets): string {
  const search = entry && searchOf(entry)
  if (!search) return block
  const uuid = wanted === 'system' ? targets.systemUuid : wanted === 'kernel' ? targets.kernelUuid : null
  let mended = block
  if (uuid && uuid !== search.value && !targets.otherUuids.has(search.value.toLowerCase())) {
    mended = mended.replaceAll(/^[ \t]*search\b.*$/gm, (line) => line.replaceAll(search.value, uuid))
  }
  const { systemUuid } = targets
  if (!systemUuid) return mended
  return mended.replaceAll(/\bfromiso=[^\s"']+/g, (word) =>
    word.includes(systemUuid) || !isoUuidForm.test(word) ? word : word.replace(isoUuidForm, systemUuid),
  )
}

/** As it is where there is no entry that it could lead to. */
function mendedFallback(text: string, config: GrubConfig, spare: GrubEntry | undefined): string {
  const { fallbacks } = config
  if (fallbacks.length === 0 || fallbacks.some((name) => grubEntryNamed(config, name) !== null)) return text
  if (!spare) return text
  return text.replaceAll(/^([ \t]*set[ \t]+fallback=)(["']?)[^"'\s;#]*\2/gm, `$1$2${spare.place}$2`)
}

/** Read again as GRUB reads it, nothing else may have become of it. */
function isMended(text: string, before: GrubConfig, wanted: readonly Target[], targets: MenuTargets): boolean {
  const config = parseGrubCfg(text)
  if (config.entries.length !== before.entries.length) return false
  return config.entries.every((entry, at) => {
    const uuid = searchOf(entry)?.value
    const uuidWanted = wanted[at] === 'system' ? targets.systemUuid : wanted[at] === 'kernel' ? targets.kernelUuid : null
    const same = entry.title === before.entries[at]?.title && entry.kernel === before.entries[at]?.kernel
    return same && (!uuid || !uuidWanted || uuid === uuidWanted || targets.otherUuids.has(uuid.toLowerCase()))
  })
}
