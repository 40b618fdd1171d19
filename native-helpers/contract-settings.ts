/**
 * Settings of a system that is on a card: what can be asked for, and what is wrong with it as far as that shows without the card. The form of the app, the
 * options of the command line and a profile for many cards are all this one document.
 */
import * as z from 'zod'

export const cardSettings = z.strictObject({
  /** Plain, on its way to the helper only. Whoever takes it hashes it at once. */
  rootPassword: z.string().optional(),
  /** As /etc/shadow has it. */
  rootPasswordHash: z.string().optional(),
  /** Lines of authorized_keys, without options. */
  rootKeys: z.array(z.string()).optional(),
  /** Made where there is none of that name. */
  user: z
    .strictObject({
      name: z.string(),
      fullName: z.string().optional(),
      password: z.string().optional(),
      passwordHash: z.string().optional(),
      /** May do everything, by sudo. */
      admin: z.boolean().optional(),
      keys: z.array(z.string()).optional(),
    })
    .optional(),
  hostname: z.string().optional(),
  /** Without `password` and `key`: an open network. */
  wifi: z
    .strictObject({
      name: z.string(),
      password: z.string().optional(),
      /** 64 hexadecimal digits that WPA makes of name and password. */
      key: z.string().optional(),
      hidden: z.boolean().optional(),
      /** Where the radio is, by two capitals: its rules apply. */
      country: z.string().optional(),
      interface: z.string().optional(),
    })
    .optional(),
  /** Fixed addresses of the wired network, with their prefix: 192.168.1.20/24. */
  network: z
    .strictObject({
      addresses: z.array(z.string()),
      gateways: z.array(z.string()).optional(),
      dns: z.array(z.string()).optional(),
      interface: z.string().optional(),
    })
    .optional(),
  /** "de_DE.UTF-8" */
  locale: z.string().optional(),
  /** "Europe/Berlin" */
  timezone: z.string().optional(),
  /** As XKB names them: "de", "nodeadkeys", "pc105". */
  keyboard: z.strictObject({ layout: z.string(), variant: z.string().optional(), model: z.string().optional() }).optional(),
  /** A script with its "#!" line that the system runs once, at its next start, as root. */
  firstBoot: z.string().optional(),
})
export type CardSettings = z.infer<typeof cardSettings>

/** What is wrong with a value, in English; a translation goes by the code. */
export const settingProblemTexts = {
  'nothing-set': 'Nothing is set.',
  'password-empty': 'The password is empty.',
  'password-letters': 'The password has a line break or another control character in it.',
  'password-long': 'The password has more than 256 characters.',
  'password-published': 'This is the password that the published images come with. Choose another one.',
  'hash-form': 'This is no password hash as /etc/shadow has it ($6$…, $5$… or $y$…).',
  'password-twice': 'Give a password or its hash, not both.',
  'user-name': 'A user name begins with a small letter, and has small letters, digits, "-" and "_": 32 characters at most.',
  'user-reserved': 'This name belongs to the system.',
  'full-name': 'A full name has 100 characters at most, and no colon, comma or line break.',
  'ssh-key': 'This is no public SSH key. It is one line: "ssh-ed25519 AAAA… name".',
  hostname: 'A computer name has letters, digits and "-", 63 characters at most, and neither begins nor ends with "-".',
  'hostname-localhost': '"localhost" is every computer’s name for itself. Choose another one.',
  'wifi-name': 'The name of a wireless network has 1 to 32 bytes.',
  'wifi-password':
    'The password of a wireless network has 8 to 63 letters, digits or signs of ASCII, or is a key of 64 hexadecimal digits.',
  'wifi-key': 'A key has 64 hexadecimal digits.',
  country: 'A country is two capital letters, as "DE".',
  interface: 'A network device has a name like "wlan0": 15 characters at most.',
  'addresses-needed': 'At least one address is needed.',
  address: 'An address has its prefix behind it: 192.168.1.20/24 or fd00::20/64.',
  gateway: 'This is no IP address.',
  'gateway-family': 'There is no address of the same kind (IPv4 or IPv6) as this gateway.',
  'gateway-twice': 'There can be one gateway for IPv4 and one for IPv6.',
  dns: 'This is no IP address.',
  locale: 'A language is named like "de_DE.UTF-8".',
  timezone: 'A time zone is named like "Europe/Berlin".',
  layout: 'A keyboard layout is named like "de" or "us".',
  variant: 'A keyboard variant is named like "nodeadkeys".',
  model: 'A keyboard model is named like "pc105".',
  'script-start': 'A script begins with the line "#!/bin/sh", or with another program.',
  'script-lines': 'The script has line ends of Windows or a NUL; Linux would not run it.',
  'script-long': 'The script is larger than 256 kB.',
} as const
export type SettingProblemCode = keyof typeof settingProblemTexts

export interface SettingProblem {
  /** "user.name"; of a list with its place: "rootKeys.0". Empty for the whole. */
  field: string
  code: SettingProblemCode
}

const control = /\p{Cc}/u
const hashForm = /^\$(6|5|y)\$[^:\s]{1,200}$/
const userName = /^[a-z][-a-z0-9_]{0,31}$/
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
const interfaceName = /^[a-z][a-z0-9_.-]{0,14}$/i
const localeName = /^([a-z]{2,3}(_[A-Z]{2})?|C|POSIX)(\.[A-Za-z0-9-]{1,20})?(@[a-z]{1,20})?$/
const zoneName = /^[A-Za-z0-9_+-]{1,30}(\/[A-Za-z0-9_+-]{1,30}){0,3}$/
const publishedPassword = 'password'
const mostPassword = 256
const mostScriptBytes = 256 * 1024

type Rules = [wrong: boolean, code: SettingProblemCode][]

/** Everything that is wrong with the values themselves; whether the system on the card knows them is found out when the change is planned. */
export function settingProblems(settings: CardSettings): SettingProblem[] {
  const problems: SettingProblem[] = []
  const check = (field: string, value: unknown, rules: Rules) => {
    const first = value === undefined ? undefined : rules.find(([wrong]) => wrong)
    if (first) problems.push({ field, code: first[1] })
  }
  const checkKeys = (field: string, keys: readonly string[] = []) => {
    for (const [at, key] of keys.entries()) check(`${field}.${at}`, key, [[!isPublicKey(key), 'ssh-key']])
  }
  const { rootPassword, rootPasswordHash, rootKeys, user, hostname, wifi, network, locale, timezone, keyboard, firstBoot } =
    settings
  if (!Object.values(settings).some((value) => value !== undefined)) problems.push({ field: '', code: 'nothing-set' })
  check('rootPassword', rootPassword, passwordRules(rootPassword, rootPasswordHash))
  check('rootPasswordHash', rootPasswordHash, [[!hashForm.test(rootPasswordHash ?? ''), 'hash-form']])
  checkKeys('rootKeys', rootKeys)
  if (user) {
    check('user.name', user.name, [
      [!userName.test(user.name), 'user-name'],
      [user.name === 'root', 'user-reserved'],
    ])
    check('user.fullName', user.fullName, [
      [/[:,]/.test(user.fullName ?? '') || control.test(user.fullName ?? '') || (user.fullName ?? '').length > 100, 'full-name'],
    ])
    check('user.password', user.password, passwordRules(user.password, user.passwordHash))
    check('user.passwordHash', user.passwordHash, [[!hashForm.test(user.passwordHash ?? ''), 'hash-form']])
    checkKeys('user.keys', user.keys)
  }
  check('hostname', hostname, [
    [!hostLabel.test(hostname ?? ''), 'hostname'],
    [hostname?.toLowerCase() === 'localhost', 'hostname-localhost'],
  ])
  if (wifi) {
    check('wifi.name', wifi.name, [[!isNetworkName(wifi.name), 'wifi-name']])
    check('wifi.password', wifi.password, [
      [wifi.key !== undefined, 'password-twice'],
      [!/^[\x20-\x7e]{8,63}$/.test(wifi.password ?? '') && !isWifiKey(wifi.password ?? ''), 'wifi-password'],
    ])
    check('wifi.key', wifi.key, [[!isWifiKey(wifi.key ?? ''), 'wifi-key']])
    check('wifi.country', wifi.country, [[!/^[A-Z]{2}$/.test(wifi.country ?? ''), 'country']])
    check('wifi.interface', wifi.interface, [[!interfaceName.test(wifi.interface ?? ''), 'interface']])
  }
  if (network) problems.push(...networkProblems(network))
  check('locale', locale, [[!localeName.test(locale ?? ''), 'locale']])
  check('timezone', timezone, [[!zoneName.test(timezone ?? ''), 'timezone']])
  check('keyboard.layout', keyboard?.layout, [[!/^[a-z]{2,12}(,[a-z]{2,12}){0,3}$/.test(keyboard?.layout ?? ''), 'layout']])
  check('keyboard.variant', keyboard?.variant, [[!/^[A-Za-z0-9_,-]{0,60}$/.test(keyboard?.variant ?? ''), 'variant']])
  check('keyboard.model', keyboard?.model, [[!/^[a-z0-9_]{1,30}$/i.test(keyboard?.model ?? ''), 'model']])
  check('firstBoot', firstBoot, [
    [!/^#!\s*\/\S/.test(firstBoot ?? ''), 'script-start'],
    [/\r|\0/.test(firstBoot ?? ''), 'script-lines'],
    [bytesOf(firstBoot ?? '') > mostScriptBytes, 'script-long'],
  ])
  return problems
}

function passwordRules(password: string | undefined, hash: string | undefined): Rules {
  const text = password ?? ''
  return [
    [hash !== undefined, 'password-twice'],
    [text === '', 'password-empty'],
    [control.test(text), 'password-letters'],
    [text.length > mostPassword, 'password-long'],
    [text === publishedPassword, 'password-published'],
  ]
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

function isNetworkName(name: string): boolean {
  return name !== '' && bytesOf(name) <= 32 && !control.test(name)
}

/** As WPA makes it; a password of that form is taken for it, as wpa_supplicant does. */
export function isWifiKey(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text)
}

const keyKinds = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]

/** One line of authorized_keys (sshd(8)) without options: the kind, the key, whose first field is the kind again (RFC 4253, 6.6), a comment. */
export function isPublicKey(line: string): boolean {
  const [, kind = '', base64 = ''] = /^(\S+) ([A-Za-z0-9+/]+={0,2})( .*)?$/.exec(line.trim()) ?? []
  if (control.test(line.trim()) || line.length > 16_384 || !keyKinds.includes(kind) || base64.length % 4 !== 0) return false
  const blob = atob(base64)
  const named = `\0\0\0${String.fromCharCode(kind.length)}${kind}`
  return blob.startsWith(named) && blob.length > named.length + 16
}

type Family = 4 | 6

/** The kind of an IP address, with a prefix behind it or not; null for what is none. */
export function familyOf(text: string, { prefix }: { prefix: boolean }): Family | null {
  if ((prefix ? z.cidrv4() : z.ipv4()).safeParse(text).success) return 4
  return (prefix ? z.cidrv6() : z.ipv6()).safeParse(text).success ? 6 : null
}

function networkProblems(network: NonNullable<CardSettings['network']>): SettingProblem[] {
  const { addresses, gateways = [], dns = [], interface: device } = network
  const families = addresses.map((address) => familyOf(address, { prefix: true }))
  const gatewayFamilies = gateways.map((gateway) => familyOf(gateway, { prefix: false }))
  return [
    ...(addresses.length === 0 ? [{ field: 'network.addresses', code: 'addresses-needed' } as const] : []),
    ...families.flatMap((family, at) => (family ? [] : [{ field: `network.addresses.${at}`, code: 'address' } as const])),
    ...gatewayFamilies.flatMap((family, at): SettingProblem[] => {
      const field = `network.gateways.${at}`
      if (!family) return [{ field, code: 'gateway' }]
      if (gatewayFamilies.indexOf(family) < at) return [{ field, code: 'gateway-twice' }]
      return families.includes(family) || families.includes(null) ? [] : [{ field, code: 'gateway-family' }]
    }),
    ...dns.flatMap((server, at) =>
      familyOf(server, { prefix: false }) ? [] : [{ field: `network.dns.${at}`, code: 'dns' } as const],
    ),
    ...(device !== undefined && !interfaceName.test(device) ? [{ field: 'network.interface', code: 'interface' } as const] : []),
  ]
}
