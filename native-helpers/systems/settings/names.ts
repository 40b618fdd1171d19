import type { Union } from './union.ts'

const hostnamePath = 'etc/hostname'
const hostsPath = 'etc/hosts'
/** By which Debian's installer names a computer for itself. */
const ownAddress = '127.0.1.1'

/** hostname(5), and the line of hosts(5) by which the computer knows itself. */
export function setHostname(union: Union, name: string): string[] {
  const old = union.text(hostnamePath)?.trim() ?? ''
  union.write(hostnamePath, `${name}\n`)
  union.write(hostsPath, hostsWith(union.text(hostsPath) ?? '127.0.0.1\tlocalhost\n', old, name))
  return [`The computer is called ${name}.`]
}

function hostsWith(text: string, old: string, name: string): string {
  const lines = text.replace(/\n+$/, '').split('\n')
  const own = lines.findIndex((line) => new RegExp(`^\\s*${ownAddress.replaceAll('.', '\\.')}\\s`).test(line))
  const renamed = lines.map((line, at) => (at === own || isAfterMark(line) ? line : renamedIn(line, old, name)))
  if (own >= 0) renamed[own] = `${ownAddress}\t${name}`
  else if (!renamed.some((line) => namesOf(line).includes(name))) {
    const local = renamed.findIndex((line) => namesOf(line).includes('localhost'))
    renamed.splice(local + 1, 0, `${ownAddress}\t${name}`)
  }
  return `${renamed.join('\n')}\n`
}

function isAfterMark(line: string): boolean {
  return line.trimStart().startsWith('#')
}

function namesOf(line: string): string[] {
  const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
  return address === '' ? [] : names
}

/** Only of this computer itself. */
function renamedIn(line: string, old: string, name: string): string {
  if (old === '' || old === 'localhost' || !/^\s*(127\.|::1\s)/.test(line) || !namesOf(line).includes(old)) return line
  return line.replace(/\S+/g, (word) => (word === old ? name : word))
}
