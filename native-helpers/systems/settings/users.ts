import type { CardSettings } from '../../contract-settings.ts'
import type { ChangeContext } from '../change.ts'
import { fieldsOf, freeNumber, loginDefinition, withFields, withMember, withPassword, withRange } from './accounts.ts'
import { cannotSet } from './errors.ts'
import type { FileRights, Union } from './union.ts'

const passwdPath = 'etc/passwd'
const shadowPath = 'etc/shadow'
const groupPath = 'etc/group'
const gshadowPath = 'etc/gshadow'
const rangePaths = ['etc/subuid', 'etc/subgid']
/** Debian's, then what Fedora and others have. */
const adminGroups = ['sudo', 'wheel']
/** What Debian's installer gives the first user: user-setup, passwd/user-default-groups. */
const usualGroups = [
  'audio',
  'cdrom',
  'dip',
  'floppy',
  'video',
  'plugdev',
  'netdev',
  'scanner',
  'bluetooth',
  'debian-tor',
  'lpadmin',
]
/** login.defs(5), where it does not say otherwise. */
const usualNumbers = { first: 1000, last: 60_000 }
/** uid_t has 32 bits, and its last value stands for nobody. */
const mostNumber = 0xffff_fffe
const usualHomeMode = 0o700
const shells = ['bin/bash', 'bin/sh']
const mostSkelEntries = 1000

/** The password of root, and keys to log in with. */
export function setRoot(union: Union, { rootPasswordHash, rootKeys }: CardSettings, { seconds }: ChangeContext): string[] {
  const steps: string[] = []
  if (rootPasswordHash !== undefined) {
    setPassword(union, 'root', rootPasswordHash, seconds)
    steps.push('The administrator (root): its password will be set.')
  }
  if (rootKeys !== undefined) {
    const home = fieldsOf(textOf(union, passwdPath), 'root')?.[5] ?? '/root'
    setKeys(union, home, { uid: 0, gid: 0 }, rootKeys)
    steps.push(`The administrator (root): ${keysWords(rootKeys)}`)
  }
  return steps
}

/** Makes the user where there is none of that name; what is not given of one that is there stays. */
export function setUser(union: Union, user: NonNullable<CardSettings['user']>, { seconds }: ChangeContext): string[] {
  const there = fieldsOf(textOf(union, passwdPath), user.name)
  const numbers = numbersOf(union)
  if (there && !(Number(there[2]) >= numbers.first && Number(there[2]) <= numbers.last)) throw userOfSystem(user.name)
  if (!there && user.passwordHash === undefined && (user.keys ?? []).length === 0) throw noWayIn(user.name)
  const { home, uid, gid } = there
    ? { home: there[5] ?? '', uid: Number(there[2]), gid: Number(there[3]) }
    : addUser(union, user, numbers, seconds)
  if (there && home !== '' && !union.isFolder(home)) makeHome(union, home, { uid, gid })
  const steps = [
    there ? `The user ${user.name}, who is there already, is changed.` : `A user ${user.name} with a home folder is made.`,
  ]
  if (there && user.fullName !== undefined) setFullName(union, user.name, user.fullName)
  if (user.passwordHash !== undefined) {
    setPassword(union, user.name, user.passwordHash, seconds)
    steps.push(`${user.name}: the password will be set.`)
  }
  if (user.admin) {
    const group = adminGroups.find((name) => fieldsOf(textOf(union, groupPath), name))
    if (!group) throw noAdmins()
    join(union, group, user.name)
    steps.push(`${user.name} may do everything (group ${group}).`)
  }
  if (user.keys !== undefined) {
    setKeys(union, home, { uid, gid }, user.keys)
    steps.push(`${user.name}: ${keysWords(user.keys)}`)
  }
  return steps
}

function textOf(union: Union, path: string): string {
  const text = union.text(path)
  if (text === null) throw cannotSet('no-accounts', `The system has no /${path}, by which users are known.`)
  return text
}

function setPassword(union: Union, name: string, hash: string, seconds: number): void {
  if (!fieldsOf(textOf(union, passwdPath), name)) throw cannotSet('no-such-user', `The system has no user "${name}".`)
  union.write(shadowPath, withPassword(textOf(union, shadowPath), name, hash, seconds))
  const passwd = textOf(union, passwdPath)
  const fields = fieldsOf(passwd, name) ?? []
  // Where the password stands in passwd itself, shadow is not asked.
  if (fields[1] !== 'x') union.write(passwdPath, withFields(passwd, [name, 'x', ...fields.slice(2)]))
}

function numbersOf(union: Union): { first: number; last: number } {
  const text = union.text('etc/login.defs') ?? ''
  const number = (word: string, other: number) => {
    const said = Number(loginDefinition(text, word) ?? other)
    return Number.isSafeInteger(said) && said > 0 && said <= mostNumber ? said : other
  }
  return { first: number('UID_MIN', usualNumbers.first), last: number('UID_MAX', usualNumbers.last) }
}

interface Account {
  home: string
  uid: number
  gid: number
}

function addUser(
  union: Union,
  { name, fullName = '' }: NonNullable<CardSettings['user']>,
  { first, last }: { first: number; last: number },
  seconds: number,
): Account {
  const [passwd, group] = [textOf(union, passwdPath), textOf(union, groupPath)]
  if (fieldsOf(group, name)) throw cannotSet('group-there', `The system has a group "${name}" already, but no such user.`)
  const uid = freeNumber([passwd, group], first, last)
  if (uid === null) throw cannotSet('no-user-numbers', 'All numbers that a user can have are taken.')
  const home = `/home/${name}`
  const shell = shells.find((path) => union.has(path))
  if (!shell) throw cannotSet('no-shell', 'The system has neither /bin/bash nor /bin/sh.')
  union.write(passwdPath, withFields(passwd, [name, 'x', String(uid), String(uid), `${fullName},,,`, home, `/${shell}`]))
  union.write(shadowPath, withPassword(textOf(union, shadowPath), name, '!', seconds))
  union.write(groupPath, withFields(group, [name, 'x', String(uid), '']))
  const gshadow = union.text(gshadowPath)
  if (gshadow !== null) union.write(gshadowPath, withFields(gshadow, [name, '!', '', '']))
  for (const path of rangePaths) {
    const ranges = union.text(path)
    if (ranges !== null) union.write(path, withRange(ranges, name))
  }
  for (const one of usualGroups) if (fieldsOf(group, one)) join(union, one, name)
  makeHome(union, home, { uid, gid: uid })
  return { home, uid, gid: uid }
}

function setFullName(union: Union, name: string, fullName: string): void {
  const passwd = textOf(union, passwdPath)
  const fields = fieldsOf(passwd, name) ?? []
  const [, ...others] = (fields[4] ?? '').split(',')
  fields[4] = [fullName, ...others].join(',')
  union.write(passwdPath, withFields(passwd, fields))
}

function join(union: Union, group: string, member: string): void {
  union.write(groupPath, withMember(textOf(union, groupPath), group, member))
  const gshadow = union.text(gshadowPath)
  if (gshadow !== null) union.write(gshadowPath, withMember(gshadow, group, member))
}

type Owner = Pick<FileRights, 'uid' | 'gid'>

/** With what /etc/skel holds. */
function makeHome(union: Union, home: string, owner: Owner): void {
  const mode = homeMode(loginDefinition(union.text('etc/login.defs') ?? '', 'HOME_MODE'))
  union.makeFolder(home, { mode, ...owner })
  const left = { entries: mostSkelEntries }
  copyFolder(union, 'etc/skel', home, owner, left)
}

function homeMode(said: string | null): number {
  return said !== null && /^0?[0-7]{3}$/.test(said) ? Number.parseInt(said, 8) : usualHomeMode
}

function copyFolder(union: Union, from: string, to: string, owner: Owner, left: { entries: number }): void {
  for (const name of union.list(from) ?? []) {
    left.entries -= 1
    if (left.entries < 0) throw cannotSet('skel-large', '/etc/skel, from which new home folders are copied, holds very much.')
    const [source, copy] = [`${from}/${name}`, `${to}/${name}`]
    const target = union.target(source)
    if (target !== null) {
      union.link(copy, target, owner)
      continue
    }
    const rights = { ...union.rights(source), ...owner }
    const bytes = union.bytes(source)
    if (bytes) union.write(copy, bytes, rights)
    else if (union.isFolder(source)) {
      union.makeFolder(copy, rights)
      copyFolder(union, source, copy, owner, left)
    }
  }
}

const ourKeys = { begin: '# Set by Livecard:', end: '# until here.' }

/** Between two marks, so that a later change takes the place of an earlier one and keys that somebody else put there stay. */
function setKeys(union: Union, home: string, owner: Owner, keys: readonly string[]): void {
  if (!union.has('usr/sbin/sshd')) {
    throw cannotSet('no-ssh-server', 'The system has no SSH server (/usr/sbin/sshd), so a key would let nobody in.')
  }
  const path = `${home}/.ssh/authorized_keys`
  const old = (union.text(path) ?? '').split('\n')
  const [begin, end] = [old.indexOf(ourKeys.begin), old.indexOf(ourKeys.end)]
  const others = begin >= 0 && end > begin ? old.toSpliced(begin, end - begin + 1) : old
  const ours = keys.length > 0 ? [ourKeys.begin, ...keys.map((key) => key.trim()), ourKeys.end] : []
  if (!union.isFolder(`${home}/.ssh`)) union.makeFolder(`${home}/.ssh`, { mode: 0o700, ...owner })
  const lines = [...others.filter((line) => line !== ''), ...ours].map((line) => `${line}\n`)
  union.write(path, lines.join(''), { mode: 0o600, ...owner })
}

function keysWords(keys: readonly string[]): string {
  return keys.length === 1 ? 'one SSH key may log in.' : `${keys.length} SSH keys may log in.`
}

function userOfSystem(name: string) {
  return cannotSet('user-of-system', `"${name}" is a user that the system has for itself.`, 'Choose another name.')
}

function noWayIn(name: string) {
  return cannotSet('user-without-password', `The new user "${name}" could not log in.`, 'Give a password or an SSH key as well.')
}

function noAdmins() {
  return cannotSet(
    'no-admin-group',
    'The system has neither a group "sudo" nor "wheel", so nobody can be made an administrator that way.',
  )
}
