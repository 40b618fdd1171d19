/** The files of users and groups as text: passwd(5), shadow(5), group(5), gshadow(5), subuid(5). Lines that are not understood stay as they are. */

/** Fields of the line that begins with a name; null where there is none. */
export function fieldsOf(text: string, name: string): string[] | null {
  const line = linesOf(text).find((one) => one.startsWith(`${name}:`))
  return line === undefined ? null : line.split(':')
}

/** The line of that name with other fields, or a new one behind all others; those that ask a network ("+::::") stay the last. */
export function withFields(text: string, fields: readonly string[]): string {
  const [name = ''] = fields
  const lines = linesOf(text)
  const line = fields.join(':')
  const at = lines.findIndex((one) => one.startsWith(`${name}:`))
  if (at >= 0) lines[at] = line
  else {
    const network = lines.findIndex((one) => /^[+-]/.test(one))
    lines.splice(network < 0 ? lines.length : network, 0, line)
  }
  return `${lines.join('\n')}\n`
}

function linesOf(text: string): string[] {
  return text.replace(/\n+$/, '').split('\n')
}

const secondsADay = 86_400
const shadowFields = 9
const shadowDays = { minimum: '0', maximum: '99999', warn: '7' }

/** A password in shadow, with the day of its change. */
export function withPassword(shadow: string, name: string, hash: string, seconds: number): string {
  const day = String(Math.floor(seconds / secondsADay))
  const { minimum, maximum, warn } = shadowDays
  const old = fieldsOf(shadow, name) ?? [name, '', day, minimum, maximum, warn]
  const fields = Array.from({ length: shadowFields }, (_, at) => old[at] ?? '')
  if (fields[1] === hash) return shadow
  fields[1] = hash
  fields[2] = day
  return withFields(shadow, fields)
}

/** A member in the last field of group and of gshadow. */
export function withMember(text: string, group: string, member: string): string {
  const fields = fieldsOf(text, group)
  if (!fields) return text
  const members = (fields[3] ?? '').split(',').filter((one) => one !== '')
  if (members.includes(member)) return text
  return withFields(text, [group, fields[1] ?? '', fields[2] ?? '', [...members, member].join(',')])
}

/** The first number from `from` on that no line of any of the files has in its third field; null up to `to`. */
export function freeNumber(texts: readonly string[], from: number, to: number): number | null {
  const taken = new Set(texts.flatMap((text) => linesOf(text).map((line) => Number(line.split(':')[2] || Number.NaN))))
  for (let number = from; number <= to; number += 1) if (!taken.has(number)) return number
  return null
}

const rangeSize = 65_536
const firstRange = 100_000

/** The next range of subordinate numbers, as useradd(8) gives it; the file as it is where the user has one. */
export function withRange(text: string, name: string): string {
  if (fieldsOf(text, name)) return text
  const ends = linesOf(text).map((line) => {
    const [, start, count] = line.split(':')
    return Number(start ?? 0) + Number(count ?? 0)
  })
  const start = Math.max(firstRange, ...ends.filter(Number.isSafeInteger))
  return `${[...linesOf(text).filter((line) => line !== ''), `${name}:${start}:${rangeSize}`].join('\n')}\n`
}

/** A word of login.defs(5); null where it is not set. */
export function loginDefinition(text: string, word: string): string | null {
  return new RegExp(`^\\s*${word}\\s+(\\S+)`, 'm').exec(text)?.[1] ?? null
}
