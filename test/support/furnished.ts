import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './tools.ts'

export interface Furniture {
  /** Null: none, and no SSH server either. */
  network: 'NetworkManager' | 'networkd' | 'ifupdown' | null
  init: 'systemd' | 'sysvinit'
}

/** What a Debian system has of accounts, languages, time zones, keyboards and services, as far as somebody looks for it. */
export function furnish({ network, init }: Furniture): (root: string) => void {
  return (root) => {
    const put = (path: string, content = '', mode = '644', owner = '0:0') => {
      const whole = join(root, path)
      mkdirSync(join(whole, '..'), { recursive: true })
      writeFileSync(whole, content)
      tool('chmod', [mode, whole])
      if (owner !== '0:0') tool('chown', [owner, whole])
    }
    const program = (path: string) => put(path, '#!/bin/sh\n', '755')
    for (const path of ['root', 'bin', 'usr/sbin', 'etc/skel/.config', 'home/user'])
      mkdirSync(join(root, path), { recursive: true })
    put('etc/debian_version', '10.4\n')
    put(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/bash\nsystemd-network:x:101:103::/root:/bin/sh\nuser:x:1000:1000:Live user,,,:/home/user:/bin/bash\n',
    )
    put(
      'etc/group',
      'root:x:0:\nshadow:x:42:\nsudo:x:27:user\naudio:x:29:user\nnetdev:x:108:\nsystemd-network:x:103:\nuser:x:1000:\n',
    )
    put(
      'etc/gshadow',
      'root:*::\nshadow:*::\nsudo:*::user\naudio:*::user\nnetdev:!::\nsystemd-network:!::\nuser:!::\n',
      '640',
      '0:42',
    )
    // $6$ of "password", as the published images have it.
    const published = tool('openssl', ['passwd', '-6', '-salt', 'published', 'password']).trim()
    put(
      'etc/shadow',
      `root:${published}:18400:0:99999:7:::\nsystemd-network:*:18400:0:99999:7:::\nuser:!:18400:0:99999:7:::\n`,
      '640',
      '0:42',
    )
    tool('setfattr', ['-n', 'user.origin', '-v', 'shipped', join(root, 'etc/shadow')])
    put('etc/subuid', 'user:100000:65536\n')
    put('etc/login.defs', '# comment\nUID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\nENCRYPT_METHOD SHA512\n')
    put('etc/skel/.bashrc', 'export EDITOR=nano\n')
    put('etc/skel/.config/app', 'x=1\n', '600')
    symlinkSync('.bashrc', join(root, 'etc/skel/.profile'))
    put('etc/hosts', '127.0.0.1\tlocalhost\n127.0.1.1\tlive.example.org live\n::1\tlocalhost ip6-localhost\n')
    put('etc/default/locale', 'LANG=en_GB.UTF-8\nLANGUAGE=en_GB:en\n')
    put('etc/default/keyboard', '# comment\nXKBMODEL="pc104"\nXKBLAYOUT="us"\nXKBVARIANT=""\nBACKSPACE="guess"\n')
    put('usr/share/X11/xkb/symbols/de', 'xkb_symbols "basic" {\n};\nxkb_symbols "nodeadkeys" {\n};\n')
    for (const zone of ['Europe/Berlin', 'Pacific/Auckland', 'Etc/UTC']) {
      const real = join('/usr/share/zoneinfo', zone)
      put(`usr/share/zoneinfo/${zone}`)
      if (existsSync(real)) copyFileSync(real, join(root, 'usr/share/zoneinfo', zone))
      else put(`usr/share/zoneinfo/${zone}`, 'TZif2')
    }
    put('etc/timezone', 'Etc/UTC\n')
    symlinkSync('/usr/share/zoneinfo/Etc/UTC', join(root, 'etc/localtime'))
    mkdirSync(join(root, 'usr/lib/locale/C.utf8'), { recursive: true })
    mkdirSync(join(root, 'usr/lib/locale/de_DE.utf8'), { recursive: true })
    for (const path of ['bin/bash', 'bin/sh', ...(network ? ['usr/sbin/sshd'] : [])]) program(path)
    if (init === 'systemd') program('lib/systemd/systemd')
    else for (const folder of ['init.d', 'rc2.d', 'rc3.d', 'rc4.d', 'rc5.d']) mkdirSync(join(root, 'etc', folder))
    if (network === 'NetworkManager') {
      program('usr/sbin/NetworkManager')
      mkdirSync(join(root, 'etc/NetworkManager/system-connections'), { recursive: true, mode: 0o700 })
    }
    if (network === 'networkd') {
      mkdirSync(join(root, 'etc/systemd/system/multi-user.target.wants'), { recursive: true })
      const wants = join(root, 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service')
      symlinkSync('/lib/systemd/system/systemd-networkd.service', wants)
      put('lib/systemd/system/wpa_supplicant@.service', '[Service]\n')
      program('sbin/wpa_supplicant')
    }
    if (network === 'ifupdown') {
      for (const path of ['sbin/ifup', 'sbin/wpa_supplicant']) program(path)
      put(
        'etc/network/interfaces',
        'auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet dhcp\n    hostname live\n',
      )
    }
  }
}
