import type { CardSettings } from '../../contract-settings.ts'
import type { ChangeContext } from '../change.ts'
import { setFirstBoot } from './first-boot.ts'
import { setHostname } from './names.ts'
import { setNetwork, setWifi } from './network.ts'
import { setKeyboard, setLocale, setTimezone } from './region.ts'
import { readSettings } from './seal.ts'
import type { Union } from './union.ts'
import { setRoot, setUser } from './users.ts'

/** The settings that a change was asked for. Throws where a password was not hashed by whoever took it: it would stand in plans and threads. */
export function settingsOf({ options }: ChangeContext): CardSettings {
  const settings = readSettings(options.settings ?? '{}')
  if (settings.rootPassword !== undefined || settings.user?.password !== undefined || settings.wifi?.password !== undefined)
    throw new TypeError('settings are sealed before a change is planned')
  return settings
}

/** Writes settings into a system, each as its own tools would have done; answers what was set, a sentence each, in which no secret stands. */
export function applySettings(union: Union, settings: CardSettings, context: ChangeContext): string[] {
  const { user, hostname, wifi, network, locale, timezone, keyboard, firstBoot } = settings
  return [
    ...setRoot(union, settings, context),
    ...(user ? setUser(union, user, context) : []),
    ...(hostname !== undefined ? setHostname(union, hostname) : []),
    ...(wifi ? setWifi(union, wifi) : []),
    ...(network ? setNetwork(union, network) : []),
    ...(locale !== undefined ? setLocale(union, locale) : []),
    ...(timezone !== undefined ? setTimezone(union, timezone) : []),
    ...(keyboard ? setKeyboard(union, keyboard) : []),
    ...(firstBoot !== undefined ? setFirstBoot(union, firstBoot) : []),
  ]
}
