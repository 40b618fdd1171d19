import { type CardSettings, familyOf } from '../../contract-settings.ts'
import { cannotSet } from './errors.ts'
import { putAside, readsFolder } from './interfaces.ts'
import type { Union } from './union.ts'

type Wifi = NonNullable<CardSettings['wifi']>
type Wired = NonNullable<CardSettings['network']>

/** What looks after the network in a system, the one that takes precedence first. */
interface Manager {
  name: string
  wifi(union: Union, wifi: Wifi): void
  wired(union: Union, wired: Wired): void
}

/** Readable by root only: there are keys in them. */
const secret = { mode: 0o600, uid: 0, gid: 0 }
/** Of the only radio that is built in, where names follow the kernel: all Raspberry Pis have it. */
const usualRadio = 'wlan0'
const regulationPath = 'etc/modprobe.d/livecard-wifi.conf'

export function setWifi(union: Union, wifi: Wifi): string[] {
  const manager = managerOf(union)
  manager.wifi(union, wifi)
  if (wifi.country !== undefined) union.write(regulationPath, `options cfg80211 ieee80211_regdom=${wifi.country}\n`)
  const how = wifi.key === undefined ? 'without a password' : 'its password will be set'
  return [`The wireless network "${wifi.name}" (${how}), through ${manager.name}.`]
}

export function setNetwork(union: Union, wired: Wired): string[] {
  const manager = managerOf(union)
  manager.wired(union, wired)
  const through = wired.gateways?.length ? `, through ${wired.gateways.join(' and ')}` : ''
  return [`The wired network has the fixed address ${wired.addresses.join(' and ')}${through} (${manager.name}).`]
}

function managerOf(union: Union): Manager {
  if (union.has('usr/sbin/NetworkManager')) return networkManager
  const wanted = 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service'
  if (union.target(wanted) !== null) return networkd
  if (union.has('usr/sbin/ifup') || union.has('sbin/ifup')) return ifupdown
  throw cannotSet(
    'no-network',
    'The system has none of what is known here to look after its network: NetworkManager, systemd-networkd, ifupdown.',
  )
}

/** Keyfiles as nm-settings-keyfile(5) has them. The UUIDs are ours, so that a later change takes the place of an earlier one. */
const networkManager: Manager = {
  name: 'NetworkManager',
  wifi(union, { name, key, hidden, interface: device }) {
    const security = key === undefined ? [] : ['', '[wifi-security]', 'key-mgmt=wpa-psk', `psk=${key}`]
    const lines = [
      ...['[connection]', 'id=Livecard Wi-Fi', 'uuid=3a1f6e0c-7d52-4f6b-9c55-6c697665a001', 'type=wifi', ...named(device)],
      ...['', '[wifi]', 'mode=infrastructure', `ssid=${keyfileBytes(name)}`, ...(hidden ? ['hidden=true'] : [])],
      ...security,
      ...['', '[ipv4]', 'method=auto', '', '[ipv6]', 'method=auto'],
    ]
    union.write('etc/NetworkManager/system-connections/livecard-wifi.nmconnection', text(lines), secret)
  },
  wired(union, { addresses, gateways = [], dns = [], interface: device }) {
    const section = (family: 4 | 6) => {
      const own = addresses.filter((address) => familyOf(address, { prefix: true }) === family)
      const [gateway] = gateways.filter((one) => familyOf(one, { prefix: false }) === family)
      const servers = dns.filter((one) => familyOf(one, { prefix: false }) === family)
      return [
        ...['', `[ipv${family}]`, `method=${own.length > 0 ? 'manual' : 'auto'}`],
        ...own.map((address, at) => `address${at + 1}=${address}${at === 0 && gateway ? `,${gateway}` : ''}`),
        ...(servers.length > 0 ? [`dns=${servers.map((one) => `${one};`).join('')}`] : []),
      ]
    }
    const lines = [
      ...['[connection]', 'id=Livecard wired', 'uuid=3a1f6e0c-7d52-4f6b-9c55-6c697665a002', 'type=ethernet', ...named(device)],
      // Before the one that NetworkManager makes by itself, which has -999, and others, which have 0.
      ...['autoconnect-priority=10', ...section(4), ...section(6)],
    ]
    union.write('etc/NetworkManager/system-connections/livecard-wired.nmconnection', text(lines), secret)
  },
}

function named(device: string | undefined): string[] {
  return device === undefined ? [] : [`interface-name=${device}`]
}

/** As bytes in decimal, which no letter of a name can break. */
function keyfileBytes(name: string): string {
  return [...Buffer.from(name)].map((byte) => `${byte};`).join('')
}

/** systemd.network(5). */
const networkd: Manager = {
  name: 'systemd-networkd',
  wifi(union, wifi) {
    const device = wifi.interface ?? usualRadio
    if (!hasSupplicant(union)) throw noSupplicant()
    union.write(`etc/wpa_supplicant/wpa_supplicant-${device}.conf`, supplicantText(wifi), secret)
    const unit = ['lib', 'usr/lib'].find((lib) => union.has(`${lib}/systemd/system/wpa_supplicant@.service`))
    if (!unit) throw noSupplicant()
    const wants = `etc/systemd/system/multi-user.target.wants/wpa_supplicant@${device}.service`
    union.link(wants, `/${unit}/systemd/system/wpa_supplicant@.service`)
    union.write('etc/systemd/network/10-livecard-wifi.network', text(['[Match]', `Name=${device}`, '', '[Network]', 'DHCP=yes']))
  },
  wired(union, { addresses, gateways = [], dns = [], interface: device = 'en* eth*' }) {
    const lines = [
      ...['[Match]', `Name=${device}`, '', '[Network]'],
      ...addresses.map((address) => `Address=${address}`),
      ...gateways.map((gateway) => `Gateway=${gateway}`),
      ...dns.map((server) => `DNS=${server}`),
    ]
    union.write('etc/systemd/network/10-livecard-wired.network', text(lines))
  },
}

/** interfaces(5). */
const ifupdown: Manager = {
  name: 'ifupdown',
  wifi(union, wifi) {
    const device = wifi.interface ?? usualRadio
    if (!hasSupplicant(union)) throw noSupplicant()
    union.write('etc/wpa_supplicant/livecard.conf', supplicantText(wifi), secret)
    const stanza = [`iface ${device} inet dhcp`, '    wpa-conf /etc/wpa_supplicant/livecard.conf']
    setInterface(union, 'livecard-wifi', device, stanza)
  },
  wired(union, { addresses, gateways = [], dns = [], interface: device }) {
    if (device === undefined) {
      throw cannotSet(
        'interface-needed',
        'The network of this system (ifupdown) is set for a device by its name, and none is given.',
        'Give the name of the network device, as "ip link" on the running system shows it: eth0 for one.',
      )
    }
    const stanzas = addresses.flatMap((address) => {
      const family = familyOf(address, { prefix: true })
      const isFirst = addresses.find((one) => familyOf(one, { prefix: true }) === family) === address
      const gateway = gateways.find((one) => familyOf(one, { prefix: false }) === family)
      return [
        ...[`iface ${device} ${family === 6 ? 'inet6' : 'inet'} static`, `    address ${address}`],
        ...(isFirst && gateway ? [`    gateway ${gateway}`] : []),
      ]
    })
    setInterface(union, 'livecard-wired', device, stanzas)
    if (dns.length > 0) setServers(union, dns)
  },
}

function setInterface(union: Union, name: string, device: string, stanzas: string[]): void {
  const main = union.text('etc/network/interfaces') ?? ''
  union.write('etc/network/interfaces', readsFolder(putAside(main, device)))
  union.write(`etc/network/interfaces.d/${name}`, text([`allow-hotplug ${device}`, ...stanzas]))
}

/** Without resolvconf nothing but the file says where names are asked. */
function setServers(union: Union, dns: readonly string[]): void {
  const path = 'etc/resolv.conf'
  if (union.target(path) !== null || union.has('etc/resolvconf')) {
    throw cannotSet(
      'name-servers',
      'The name servers of this system are kept by a service of its own (/etc/resolv.conf is a link), which is not set here.',
      'Leave the name servers out.',
    )
  }
  union.write(path, text(dns.map((server) => `nameserver ${server}`)))
}

function hasSupplicant(union: Union): boolean {
  return union.has('sbin/wpa_supplicant') || union.has('usr/sbin/wpa_supplicant')
}

function noSupplicant() {
  return cannotSet('no-wifi', 'The system has no wpa_supplicant, without which it joins no wireless network.')
}

/** wpa_supplicant.conf(5); names in hexadecimal digits, which no letter of them can break. */
function supplicantText({ name, key, hidden, country }: Wifi): string {
  return text([
    ...[
      'ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev',
      ...(country === undefined ? [] : [`country=${country}`]),
      'network={',
    ],
    `    ssid=${Buffer.from(name).toString('hex')}`,
    ...(hidden ? ['    scan_ssid=1'] : []),
    key === undefined ? '    key_mgmt=NONE' : `    psk=${key}`,
    '}',
  ])
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
