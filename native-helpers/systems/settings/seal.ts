import { pbkdf2Sync } from 'node:crypto'
import { type CardSettings, cardSettings, isWifiKey, settingProblems, settingProblemTexts } from '../../contract-settings.ts'
import { LivecardError } from '../../errors.ts'
import { hashPassword } from '../sha-crypt.ts'

/** IEEE 802.11i, annex H.4: the key of WPA comes of the password and the name of the network. */
const wpa = { rounds: 4096, bytes: 32, hash: 'sha1' } as const

/** The settings of a JSON document, checked. Throws `settings-form` and `settings-wrong`; what stands in it is not repeated in the errors. */
export function readSettings(json: string): CardSettings {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw wrong('settings-form', 'The settings are no JSON document.')
  }
  const { data, error } = cardSettings.safeParse(value)
  if (!data) {
    const [issue] = error.issues
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue?.path.join('.')
    const why = issue?.code === 'unrecognized_keys' ? 'nobody here knows' : 'is not of the kind that it has to be'
    throw wrong('settings-form', `The settings have a value that ${why}: ${keys || 'the whole'}.`)
  }
  const problems = settingProblems(data)
  if (problems.length > 0) {
    const sentences = problems.map(({ field, code }) => `${field === '' ? '' : `${field}: `}${settingProblemTexts[code]}`)
    throw wrong('settings-wrong', sentences.join(' '))
  }
  return data
}

/** The same without anything that is secret by itself: passwords as hashes with a salt of their own, the one of a wireless network as its key. */
export function sealSettings(settings: CardSettings): CardSettings {
  const { rootPassword, user, wifi, ...rest } = settings
  const sealed: CardSettings = { ...rest }
  if (rootPassword !== undefined) sealed.rootPasswordHash = hashPassword(rootPassword)
  if (user) {
    const { password, ...others } = user
    sealed.user = { ...others, ...(password !== undefined && { passwordHash: hashPassword(password) }) }
  }
  if (wifi) {
    const { password, ...others } = wifi
    sealed.wifi = { ...others, ...(password !== undefined && { key: wifiKey(wifi.name, password) }) }
  }
  return sealed
}

/** wpa_passphrase(8). */
export function wifiKey(name: string, password: string): string {
  if (isWifiKey(password)) return password.toLowerCase()
  return pbkdf2Sync(password, name, wpa.rounds, wpa.bytes, wpa.hash).toString('hex')
}

/** For whoever takes settings from people: what travels on holds no password. */
export function sealedOptions(options: Readonly<Record<string, string>>): Record<string, string> {
  if (options.settings === undefined) return { ...options }
  return { ...options, settings: JSON.stringify(sealSettings(readSettings(options.settings))) }
}

function wrong(code: string, message: string): LivecardError {
  return new LivecardError('usage', code, { message, meaning: 'Nothing was changed.', next: 'Put it right and try again.' })
}
