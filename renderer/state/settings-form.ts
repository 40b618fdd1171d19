/** The form of a card's settings: what stands in its fields, what that asks for, and what is wrong with it. */
import { type CardSettings, cardSettings, type SettingProblemCode, settingProblems } from '../../native-helpers/contract.ts'

/** An empty field asks for nothing. Lists are one to a line, or with blanks or commas between. */
export interface SettingsForm {
  rootPassword: string
  rootPasswordAgain: string
  rootKeys: string
  userName: string
  fullName: string
  userPassword: string
  userPasswordAgain: string
  userKeys: string
  admin: boolean
  hostname: string
  wifiName: string
  wifiPassword: string
  wifiHidden: boolean
  wifiCountry: string
  addresses: string
  gateways: string
  dns: string
  device: string
  locale: string
  timezone: string
  layout: string
  variant: string
  firstBoot: string
}

export type FormField = keyof SettingsForm
export type FormProblem = SettingProblemCode | 'passwords-differ' | 'user-name-needed' | 'wifi-name-needed' | 'layout-needed'

export const emptyForm: SettingsForm = {
  rootPassword: '',
  rootPasswordAgain: '',
  rootKeys: '',
  userName: '',
  fullName: '',
  userPassword: '',
  userPasswordAgain: '',
  userKeys: '',
  admin: false,
  hostname: '',
  wifiName: '',
  wifiPassword: '',
  wifiHidden: false,
  wifiCountry: '',
  addresses: '',
  gateways: '',
  dns: '',
  device: '',
  locale: '',
  timezone: '',
  layout: '',
  variant: '',
  firstBoot: '',
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
const words = (text: string) => text.split(/[\s,;]+/).filter((word) => word !== '')

/** Only what is filled in. */
export function settingsOfForm(form: SettingsForm): CardSettings {
  const text = <K extends string>(name: K, value: string) => (value.trim() === '' ? {} : { [name]: value.trim() })
  // A password's blanks are a part of it.
  const secret = <K extends string>(name: K, value: string) => (value === '' ? {} : { [name]: value })
  const list = (name: string, values: string[]) => (values.length === 0 ? {} : { [name]: values })
  const part = (name: string, isAsked: boolean, values: object) => (isAsked ? { [name]: values } : {})
  const user = {
    ...text('fullName', form.fullName),
    ...secret('password', form.userPassword),
    ...list('keys', lines(form.userKeys)),
  }
  const wifi = { ...secret('password', form.wifiPassword), ...text('country', form.wifiCountry.toUpperCase()) }
  const network = {
    ...list('gateways', words(form.gateways)),
    ...list('dns', words(form.dns)),
    ...text('interface', form.device),
  }
  const addresses = words(form.addresses)
  const asks = (values: object, ...more: boolean[]) => Object.keys(values).length > 0 || more.includes(true)
  const settings: unknown = {
    ...secret('rootPassword', form.rootPassword),
    ...list('rootKeys', lines(form.rootKeys)),
    ...part('user', asks(user, form.admin, form.userName.trim() !== ''), {
      name: form.userName.trim(),
      ...user,
      ...(form.admin && { admin: true }),
    }),
    ...text('hostname', form.hostname),
    ...part('wifi', asks(wifi, form.wifiHidden, form.wifiName !== ''), {
      name: form.wifiName,
      ...wifi,
      ...(form.wifiHidden && { hidden: true }),
    }),
    ...part('network', asks(network, addresses.length > 0), { addresses, ...network }),
    ...text('locale', form.locale),
    ...text('timezone', form.timezone),
    ...part('keyboard', form.layout.trim() !== '' || form.variant.trim() !== '', {
      layout: form.layout.trim(),
      ...text('variant', form.variant),
    }),
    ...(form.firstBoot.trim() === '' ? {} : { firstBoot: form.firstBoot.replaceAll('\r\n', '\n').replace(/\n*$/, '\n') }),
  }
  return cardSettings.parse(settings)
}

/** Which field a value of the document stands in; of lists, whichever place of them. */
const fieldsOf: Record<string, FormField> = {
  rootPassword: 'rootPassword',
  rootKeys: 'rootKeys',
  'user.name': 'userName',
  'user.fullName': 'fullName',
  'user.password': 'userPassword',
  'user.keys': 'userKeys',
  hostname: 'hostname',
  'wifi.name': 'wifiName',
  'wifi.password': 'wifiPassword',
  'wifi.country': 'wifiCountry',
  'network.addresses': 'addresses',
  'network.gateways': 'gateways',
  'network.dns': 'dns',
  'network.interface': 'device',
  locale: 'locale',
  timezone: 'timezone',
  'keyboard.layout': 'layout',
  'keyboard.variant': 'variant',
  firstBoot: 'firstBoot',
}

/** The first thing that is wrong with each field. Nothing filled in at all is no field's fault, and not here. */
export function problemsOfForm(form: SettingsForm): Partial<Record<FormField, FormProblem>> {
  const problems: Partial<Record<FormField, FormProblem>> = {}
  const note = (field: FormField | undefined, problem: FormProblem) => {
    if (field !== undefined) problems[field] ??= problem
  }
  const settings = settingsOfForm(form)
  if (settings.user?.name === '') note('userName', 'user-name-needed')
  if (settings.wifi?.name === '') note('wifiName', 'wifi-name-needed')
  if (settings.keyboard?.layout === '') note('layout', 'layout-needed')
  for (const { field, code } of settingProblems(settings)) note(fieldsOf[field.replace(/\.\d+$/, '')], code)
  if (form.rootPassword !== form.rootPasswordAgain) note('rootPasswordAgain', 'passwords-differ')
  if (form.userPassword !== form.userPasswordAgain) note('userPasswordAgain', 'passwords-differ')
  return problems
}

/** What was asked for before, to be gone on with. */
export function formOfSettings(settings: CardSettings): SettingsForm {
  const { rootPassword = '', rootKeys = [], user, wifi, network, keyboard } = settings
  return {
    ...emptyForm,
    rootPassword,
    rootPasswordAgain: rootPassword,
    rootKeys: rootKeys.join('\n'),
    userName: user?.name ?? '',
    fullName: user?.fullName ?? '',
    userPassword: user?.password ?? '',
    userPasswordAgain: user?.password ?? '',
    userKeys: user?.keys?.join('\n') ?? '',
    admin: user?.admin ?? false,
    hostname: settings.hostname ?? '',
    wifiName: wifi?.name ?? '',
    wifiPassword: wifi?.password ?? '',
    wifiHidden: wifi?.hidden ?? false,
    wifiCountry: wifi?.country ?? '',
    addresses: network?.addresses.join(' ') ?? '',
    gateways: network?.gateways?.join(' ') ?? '',
    dns: network?.dns?.join(' ') ?? '',
    device: network?.interface ?? '',
    locale: settings.locale ?? '',
    timezone: settings.timezone ?? '',
    layout: keyboard?.layout ?? '',
    variant: keyboard?.variant ?? '',
    firstBoot: settings.firstBoot ?? '',
  }
}
