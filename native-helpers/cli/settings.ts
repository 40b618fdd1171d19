import { readFile, stat } from 'node:fs/promises'
import type { CardSettings } from '../contract-settings.ts'
import { usageError } from './args.ts'
import type { Terminal } from './terminal.ts'
import type { Given } from './verb.ts'

/** Settings as options, one each; `--profile` brings them all in one document. */
export const profileOption = {
  profile: { type: 'string', value: 'FILE', help: 'settings as a JSON document, for many cards' },
} as const

export const settingsOptions = {
  ...profileOption,
  'root-password': { type: 'boolean', help: 'ask for a new password of the administrator' },
  'root-password-file': { type: 'string', value: 'FILE', help: 'it is the first line of FILE; "-" reads a line of standard input' },
  'root-key': { type: 'string', value: 'FILE', many: true, help: 'public SSH keys that may log in as administrator' },
  user: { type: 'string', value: 'NAME', help: 'a user, who is made where there is none of that name' },
  'full-name': { type: 'string', value: 'TEXT', help: 'what the user is called' },
  'user-password': { type: 'boolean', help: 'ask for the password of the user' },
  'user-password-file': { type: 'string', value: 'FILE', help: 'it is the first line of FILE; "-" reads a line of standard input' },
  'user-key': { type: 'string', value: 'FILE', many: true, help: 'public SSH keys of the user' },
  admin: { type: 'boolean', help: 'the user may do everything, by sudo' },
  hostname: { type: 'string', value: 'NAME', help: 'what the computer is called' },
  wifi: { type: 'string', value: 'NAME', help: 'a wireless network' },
  'wifi-password': { type: 'boolean', help: 'ask for its password' },
  'wifi-password-file': { type: 'string', value: 'FILE', help: 'it is the first line of FILE; "-" reads a line of standard input' },
  'wifi-hidden': { type: 'boolean', help: 'the network does not tell its name' },
  'wifi-country': { type: 'string', value: 'DE', help: 'whose rules for radio apply' },
  'wifi-device': { type: 'string', value: 'NAME', help: 'the network device, where it is not the usual one' },
  address: { type: 'string', value: 'ADDRESS/PREFIX', many: true, help: 'a fixed address of the wired network' },
  gateway: { type: 'string', value: 'ADDRESS', many: true, help: 'through which it reaches other networks' },
  dns: { type: 'string', value: 'ADDRESS', many: true, help: 'who is asked for names' },
  device: { type: 'string', value: 'NAME', help: 'the wired network device, where the system wants its name' },
  locale: { type: 'string', value: 'NAME', help: 'the language: de_DE.UTF-8' },
  timezone: { type: 'string', value: 'NAME', help: 'the time zone: Europe/Berlin' },
  keyboard: { type: 'string', value: 'LAYOUT[:VARIANT]', help: 'the keyboard: de, or de:nodeadkeys' },
  'first-boot': { type: 'string', value: 'FILE', help: 'a script that runs once, at the next start, as administrator' },
} as const

export const settingsAbout = [
  'A profile is a JSON document: { "rootPassword": "…", "rootKeys": ["ssh-ed25519 …"], "user": { "name": "anna", "fullName": "…", "password": "…", "admin": true, "keys": ["…"] }, "hostname": "…", "wifi": { "name": "…", "password": "…", "hidden": true, "country": "DE", "interface": "wlan0" }, "network": { "addresses": ["192.168.1.20/24"], "gateways": ["192.168.1.1"], "dns": ["9.9.9.9"], "interface": "eth0" }, "locale": "de_DE.UTF-8", "timezone": "Europe/Berlin", "keyboard": { "layout": "de", "variant": "nodeadkeys", "model": "pc105" }, "firstBoot": "#!/bin/sh\\n…" }. Each part may be left out; an option of the same name takes precedence.',
  'Instead of a password a profile may hold its hash as /etc/shadow has it ("rootPasswordHash", and "passwordHash" of the user), and instead of the one of a wireless network its key of 64 hexadecimal digits ("key"), so that no secret in clear lies around.',
]

/** What the options and the profile ask for; passwords are hashed, as from here on nobody needs them. Throws a usage error where something is wrong with it. */
export async function sealedSettings(given: Given, terminal: Terminal, signal: AbortSignal): Promise<CardSettings> {
  const { readSettings, sealSettings } = await import('../systems/settings/seal.ts')
  const profile = await profileOf(given)
  const settings = await withOptions(profile, given, terminal, signal)
  return sealSettings(readSettings(JSON.stringify(settings)))
}

/** Of `--profile` alone, sealed; null without. */
export async function sealedProfile(given: Given): Promise<CardSettings | null> {
  if (given.text('profile') === null) return null
  const { readSettings, sealSettings } = await import('../systems/settings/seal.ts')
  return sealSettings(readSettings(JSON.stringify(await profileOf(given))))
}

/** Not checked here: with the options it is looked at as a whole. */
async function profileOf(given: Given): Promise<CardSettings> {
  const path = given.text('profile')
  if (path === null) return {}
  const text = await fileText(path)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new TypeError('no object')
    return value
  } catch {
    throw usageError('profile-form', `${path} is no JSON document.`, '"livecard customise --help" shows what a profile looks like.')
  }
}

async function withOptions(profile: CardSettings, given: Given, terminal: Terminal, signal: AbortSignal): Promise<CardSettings> {
  const settings: CardSettings = { ...profile }
  const passwordOf = (name: string, words: string) => givenPassword(given, terminal, signal, name, words)
  const rootPassword = await passwordOf('root-password', 'Password of the administrator')
  if (rootPassword !== null) {
    settings.rootPassword = rootPassword
    settings.rootPasswordHash = undefined
  }
  const rootKeys = await keysOf(given, 'root-key')
  if (rootKeys) settings.rootKeys = rootKeys
  const user = {
    ...profile.user,
    ...set('name', given.text('user')),
    ...set('fullName', given.text('full-name')),
    ...set('keys', await keysOf(given, 'user-key')),
    ...(given.flag('admin') && { admin: true }),
  }
  const userPassword = await passwordOf('user-password', `Password of ${user.name ?? 'the user'}`)
  if (userPassword !== null) Object.assign(user, { password: userPassword, passwordHash: undefined })
  if (Object.keys(user).length > 0) settings.user = { ...user, name: needed(user.name, 'user', 'whose it is') }
  const wifi = {
    ...profile.wifi,
    ...set('name', given.text('wifi')),
    ...set('country', given.text('wifi-country')),
    ...set('interface', given.text('wifi-device')),
    ...(given.flag('wifi-hidden') && { hidden: true }),
  }
  const wifiPassword = await passwordOf('wifi-password', `Password of the network ${wifi.name ?? ''}`)
  if (wifiPassword !== null) Object.assign(wifi, { password: wifiPassword, key: undefined })
  if (Object.keys(wifi).length > 0) settings.wifi = { ...wifi, name: needed(wifi.name, 'wifi', 'of which network it is') }
  const network = {
    ...profile.network,
    ...set('addresses', listOf(given, 'address')),
    ...set('gateways', listOf(given, 'gateway')),
    ...set('dns', listOf(given, 'dns')),
    ...set('interface', given.text('device')),
  }
  if (Object.keys(network).length > 0) settings.network = { ...network, addresses: network.addresses ?? [] }
  for (const name of ['hostname', 'locale', 'timezone'] as const) Object.assign(settings, set(name, given.text(name)))
  const [layout, ...variant] = given.text('keyboard')?.split(':') ?? []
  if (layout !== undefined) settings.keyboard = { layout, variant: variant.join(':') }
  const script = given.text('first-boot')
  if (script !== null) settings.firstBoot = await fileText(script)
  return settings
}

function set<K extends string, V>(name: K, value: V | null): { [key in K]?: V } {
  return value === null ? {} : ({ [name]: value } as { [key in K]?: V })
}

function listOf(given: Given, name: string): string[] | null {
  const texts = given.texts(name)
  return texts.length > 0 ? texts : null
}

function needed(value: string | undefined, option: string, what: string): string {
  if (value !== undefined) return value
  throw usageError(`${option}-needed`, `It is not said ${what}.`, `Add --${option} NAME.`)
}

async function keysOf(given: Given, option: string): Promise<string[] | null> {
  const paths = given.texts(option)
  if (paths.length === 0) return null
  const texts = await Promise.all(paths.map(fileText))
  return texts.flatMap((text) => text.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#')))
}

const maxFileBytes = 1024 * 1024

async function fileText(path: string): Promise<string> {
  const facts = await stat(path).catch(() => null)
  if (facts?.isFile() && facts.size > maxFileBytes)
    throw usageError('file-large', `${path} is larger than any such file.`, 'Give the file that is meant.')
  return readFile(path, 'utf8').catch(() => {
    throw usageError('file-unread', `${path} cannot be read.`, 'Give a file that is there and that you may read.')
  })
}

/** From a file, from standard input, or from whoever sits at the terminal, twice and unseen; null where none is to be set. Never from the command line, which others can see. */
async function givenPassword(
  given: Given,
  terminal: Terminal,
  signal: AbortSignal,
  option: string,
  words: string,
): Promise<string | null> {
  const file = given.text(`${option}-file`)
  // A terminal would show what is typed into it.
  const isTyped = file === '-' && process.stdin.isTTY === true
  if (file === '-' && !isTyped) return nextInputLine()
  if (file !== null && !isTyped) return firstLine(await fileText(file))
  if (!given.flag(option) && !isTyped) return null
  if (!terminal.canAsk) {
    throw usageError(
      'no-terminal',
      'There is no terminal here to ask for a password on.',
      `Give it in a file: --${option}-file FILE.`,
    )
  }
  const first = await terminal.askSecret(`${words}: `, signal)
  const second = await terminal.askSecret('The same again: ', signal)
  if (first === null || first !== second) throw usageError('password-differs', 'The two passwords are not the same.', 'Try again.')
  return first
}

const lineEnd = /\r?\n/

function firstLine(text: string): string {
  return text.split(lineEnd, 1)[0] ?? ''
}

let inputLines: Promise<string[]> | null = null

/** A line for each that asks, in the order of the help: there is one standard input, which can be read once. */
async function nextInputLine(): Promise<string> {
  inputLines ??= (async () => {
    const parts: Buffer[] = []
    for await (const part of process.stdin) parts.push(Buffer.from(part))
    return Buffer.concat(parts).toString('utf8').split(lineEnd)
  })()
  return (await inputLines).shift() ?? ''
}
