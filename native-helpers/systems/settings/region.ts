import type { CardSettings } from '../../contract-settings.ts'
import { withAssignments } from './assignments.ts'
import { cannotSet } from './errors.ts'
import { archiveLocales } from './locale-archive.ts'
import type { Union } from './union.ts'

const zoneFolder = 'usr/share/zoneinfo'
const localePath = { debian: 'etc/default/locale', systemd: 'etc/locale.conf' }
const localeFolder = 'usr/lib/locale'
const keyboardPath = 'etc/default/keyboard'
const symbolsFolder = 'usr/share/X11/xkb/symbols'
const someNames = 8

/** The link that every program follows, and the name that Debian keeps besides. */
export function setTimezone(union: Union, zone: string): string[] {
  const magic = union.bytes(`${zoneFolder}/${zone}`)?.subarray(0, 4)
  if (!magic || Buffer.from(magic).toString('latin1') !== 'TZif') {
    const [area = ''] = zone.split('/')
    const others = union.list(`${zoneFolder}/${area}`) ?? union.list(zoneFolder)
    if (!others) throw cannotSet('no-timezones', 'The system has no list of time zones (/usr/share/zoneinfo).')
    throw cannotSet(
      'timezone-unknown',
      `The system knows no time zone "${zone}".`,
      `Name one that it knows, as ${others.slice(0, someNames).join(', ')}.`,
    )
  }
  union.link('etc/localtime', `/${zoneFolder}/${zone}`)
  if (union.has('etc/timezone') || isDebian(union)) union.write('etc/timezone', `${zone}\n`)
  return [`The time zone is ${zone}.`]
}

function isDebian(union: Union): boolean {
  return union.has('etc/debian_version')
}

/** Only a language that was made on the system: it would speak English otherwise, and complain. */
export function setLocale(union: Union, locale: string): string[] {
  const known = knownLocales(union)
  if (!known.has(plainLocale(locale))) {
    const some = [...known.values()].slice(0, someNames)
    throw cannotSet(
      'locale-unknown',
      `The system does not have the language "${locale}".`,
      `It has ${some.join(', ')}. Others are made on the running system, with "dpkg-reconfigure locales" on Debian.`,
    )
  }
  const path = union.has(localePath.debian) || !union.has(localePath.systemd) ? localePath.debian : localePath.systemd
  // What would hold against LANG.
  union.write(path, withAssignments(union.text(path) ?? '', { LANG: locale, LANGUAGE: null, LC_ALL: null }))
  return [`The language is ${locale}.`]
}

/** By the name as glibc compares it, with the name as it is there. */
function knownLocales(union: Union): Map<string, string> {
  const archive = union.device(`${localeFolder}/locale-archive`)
  // These three are in glibc itself, the last one in Debian's since 2012.
  const names = ['C', 'POSIX', 'C.UTF-8', ...(union.list(localeFolder) ?? []), ...(archive ? archiveLocales(archive) : [])]
  return new Map(names.filter((name) => name !== 'locale-archive').map((name) => [plainLocale(name), name]))
}

/** "UTF-8" and "utf8" are the same (glibc's _nl_normalize_codeset). */
function plainLocale(name: string): string {
  return name.replace(/\.([^@]*)/, (_, codeset: string) => `.${codeset.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase()}`)
}

/** keyboard(5) of Debian; it holds for the console and for graphical sessions. */
export function setKeyboard(union: Union, { layout, variant = '', model }: NonNullable<CardSettings['keyboard']>): string[] {
  const old = union.text(keyboardPath)
  if (old === null && !union.has('usr/bin/setupcon') && !union.has('bin/setupcon')) {
    throw cannotSet('no-keyboard', 'The system has no /etc/default/keyboard, by which its keyboard would be set.')
  }
  const variants = variant.split(',')
  for (const [at, one] of layout.split(',').entries()) checkLayout(union, one, variants[at] ?? '')
  const before = old ?? 'XKBMODEL="pc105"\nXKBLAYOUT="us"\nXKBVARIANT=""\nXKBOPTIONS=""\n\nBACKSPACE="guess"\n'
  const values = { XKBLAYOUT: `"${layout}"`, XKBVARIANT: `"${variant}"`, ...(model !== undefined && { XKBMODEL: `"${model}"` }) }
  union.write(keyboardPath, withAssignments(before, values))
  return [`The keyboard is ${variant === '' ? layout : `${layout}, ${variant}`}.`]
}

/** Where the system has the descriptions of XKB; without them nothing is known. */
function checkLayout(union: Union, layout: string, variant: string): void {
  if (!union.isFolder(symbolsFolder)) return
  const text = union.text(`${symbolsFolder}/${layout}`)
  if (text === null) throw cannotSet('layout-unknown', `The system knows no keyboard layout "${layout}".`)
  if (variant === '' || text.includes(`xkb_symbols "${variant}"`)) return
  throw cannotSet('variant-unknown', `The keyboard layout "${layout}" has no variant "${variant}" on this system.`)
}
