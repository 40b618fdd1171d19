import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeNumber, withFields, withMember, withPassword, withRange } from '../../native-helpers/systems/settings/accounts.ts'
import { withAssignments } from '../../native-helpers/systems/settings/assignments.ts'
import { putAside, readsFolder } from '../../native-helpers/systems/settings/interfaces.ts'

test('accounts are lines that are changed in place or put behind the others, but before those of a network', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nroots:x:1:1::/:/bin/sh\n+::::::\n'
  assert.equal(withFields(passwd, ['root', 'x', '0']), 'root:x:0\nroots:x:1:1::/:/bin/sh\n+::::::\n')
  assert.equal(withFields(passwd, ['anna', 'x', '1000']), `${passwd.replace('+', 'anna:x:1000\n+')}`)
  assert.equal(withFields('root:x:0', ['anna', 'x']), 'root:x:0\nanna:x\n')
})

test('a password is set with its day, and the rest of its line stays', () => {
  const shadow = 'root:!:18400:1:90:7:30:20000:\ndaemon:*:18400:0:99999:7:::\n'
  const changed = 'root:$6$a$b:19675:1:90:7:30:20000:\ndaemon:*:18400:0:99999:7:::\n'
  assert.equal(withPassword(shadow, 'root', '$6$a$b', 1_700_000_000), changed)
  assert.equal(withPassword(changed, 'root', '$6$a$b', 1_800_000_000), changed, 'the same one is no change')
  assert.equal(withPassword(shadow, 'anna', '!', 1_700_000_000), `${shadow}anna:!:19675:0:99999:7:::\n`)
  assert.equal(withPassword('root:!\n', 'root', '$6$a$b', 0), 'root:$6$a$b:0::::::\n', 'a line that is cut short')
})

test('members, numbers and ranges are added once, and none is given twice', () => {
  const group = 'sudo:x:27:\nuser:x:1000:a,b\n'
  assert.equal(withMember(group, 'sudo', 'anna'), 'sudo:x:27:anna\nuser:x:1000:a,b\n')
  assert.equal(withMember(group, 'user', 'b'), group)
  assert.equal(withMember(group, 'none', 'b'), group)
  assert.equal(freeNumber(['a:x:1000:1000:', 'b:x:1002:', '\n#\n'], 1000, 1005), 1001)
  assert.equal(freeNumber(['a:x:1:', 'b:x:2:'], 1, 2), null)
  assert.equal(withRange('', 'anna'), 'anna:100000:65536\n')
  assert.equal(withRange('a:165536:65536\nb:100000:65536\n', 'anna'), 'a:165536:65536\nb:100000:65536\nanna:231072:65536\n')
  assert.equal(withRange('anna:5:5\n', 'anna'), 'anna:5:5\n')
})

test('assignments are changed in place, and comments stay', () => {
  const text = '# LANG=C\nexport LANG=en_GB.UTF-8\nLC_ALL=C\nOTHER=1\nLANG=fr_FR.UTF-8\n'
  const changed = '# LANG=C\nLANG=de_DE.UTF-8\nOTHER=1\n'
  assert.equal(withAssignments(text, { LANG: 'de_DE.UTF-8', LC_ALL: null }), changed)
  assert.equal(withAssignments(changed, { LANG: 'de_DE.UTF-8', LC_ALL: null }), changed)
  assert.equal(withAssignments('', { A: '1', B: null }), 'A=1\n')
})

test('what a device was told before is put aside, also its lines below, and nothing of another device', () => {
  const text = `# eth0 is the first
auto lo eth0
iface lo inet loopback

allow-hotplug eth0
iface eth0 inet dhcp
    hostname x

    # a comment of it
    metric 1
iface eth0:1 inet static
    address 10.0.0.1/8
mapping eth0
    script /bin/map
`
  const aside = putAside(text, 'eth0')
  assert.equal(
    aside,
    text
      .replace('allow-hotplug eth0', '# put aside by Livecard: allow-hotplug eth0')
      .replace('iface eth0 inet dhcp', '# put aside by Livecard: iface eth0 inet dhcp')
      .replace('    hostname x', '# put aside by Livecard:     hostname x')
      .replace('    metric 1', '# put aside by Livecard:     metric 1'),
  )
  assert.equal(putAside(aside, 'eth0'), aside)
  assert.equal(putAside(text, 'eth.'), text, 'a name is no pattern')
})

test('the folder of further files is read, and named once', () => {
  const line = 'source /etc/network/interfaces.d/*\n'
  assert.equal(readsFolder(''), line)
  assert.equal(readsFolder('auto lo'), `auto lo\n${line}`)
  for (const text of [line, 'source interfaces.d/*\n', 'source-directory /etc/network/interfaces.d\n', `auto lo\n  ${line}`])
    assert.equal(readsFolder(text), text)
  assert.equal(readsFolder(`#${line}`), `#${line}${line}`)
})
