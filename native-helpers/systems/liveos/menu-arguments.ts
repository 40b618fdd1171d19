import { argumentValue, type KernelArgument } from '../../volumes/boot-config/entry.ts'
import type { LivePlace } from './live-folder.ts'

/** How a command line names a filesystem. */
export interface DeviceName {
  by: 'uuid' | 'label' | 'partuuid' | 'partlabel' | 'path'
  value: string
}

/** What is asked for of a live system (dracut.cmdline(7)); old names and those that dracut-ng 110 gave them. */
export interface LiveArguments {
  /** Null where it is no name of a device: an address, for one. */
  root: DeviceName | null
  folder: string
  /** Null where none is asked for; `path` is null where it follows from label and UUID. */
  overlay: { device: DeviceName; path: string | null } | null
  resets: boolean
  readOnly: boolean
}

const overlayNames = ['rd.overlay', 'rd.live.overlay']

export function liveArguments(all: readonly KernelArgument[]): LiveArguments {
  return {
    root: deviceName((argumentValue(all, 'root') ?? '').replace(/^live:/, '')),
    folder: (argumentValue(all, 'rd.live.dir') || 'LiveOS').replace(/^\/+|\/+$/g, ''),
    overlay: overlayOf(overlayNames.map((name) => argumentValue(all, name)).find((value) => value !== null) ?? null),
    resets: overlayNames.some((name) => isSet(argumentValue(all, `${name}.reset`))),
    readOnly: overlayNames.some((name) => isSet(argumentValue(all, `${name}.readonly`))),
  }
}

/** getargbool of dracut: alone it is true, and these words are false. */
function isSet(value: string | null): boolean {
  return value !== null && !['0', 'no', 'off'].includes(value)
}

function overlayOf(value: string | null): LiveArguments['overlay'] {
  if (value === null || value === '' || value === 'none' || value === '0' || value === '1') return null
  const colon = value.indexOf(':')
  const device = deviceName(colon < 0 ? value : value.slice(0, colon))
  const path = colon < 0 ? '' : value.slice(colon + 1)
  return device && { device, path: path === '' || path === 'auto' ? null : path.replace(/^\/+/, '') }
}

const named: [prefix: string, by: DeviceName['by']][] = [
  ['UUID=', 'uuid'],
  ['LABEL=', 'label'],
  ['CDLABEL=', 'label'],
  ['PARTUUID=', 'partuuid'],
  ['PARTLABEL=', 'partlabel'],
  ['/dev/disk/by-uuid/', 'uuid'],
  ['/dev/disk/by-label/', 'label'],
  ['/dev/disk/by-partuuid/', 'partuuid'],
  ['/dev/disk/by-partlabel/', 'partlabel'],
  ['/dev/', 'path'],
]

function deviceName(text: string): DeviceName | null {
  const found = named.find(([prefix]) => text.startsWith(prefix))
  if (!found) return null
  const [prefix, by] = found
  // Blanks are written so, since they would end the argument.
  const value = text
    .slice(prefix.length)
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return value === '' ? null : { by, value }
}

/** Whether a place is what a command line names; null where that cannot be told. */
export function isNamed({ by, value }: DeviceName, { identity, volume }: Pick<LivePlace, 'identity' | 'volume'>): boolean | null {
  if (by === 'path' || volume === null) return null
  const own = { uuid: identity?.uuid, label: identity?.label, partuuid: volume.partuuid, partlabel: volume.partlabel }[by] ?? ''
  // libblkid compares UUIDs of FAT as they are written, but nobody means another volume by the other case.
  return by === 'uuid' || by === 'partuuid' ? own.toLowerCase() === value.toLowerCase() : own === value
}

export function textOfName({ by, value }: DeviceName): string {
  return by === 'path' ? `/dev/${value}` : `${by.toUpperCase()}=${value}`
}
