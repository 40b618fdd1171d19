/** `NAME=value` files as shells and systemd read them: /etc/default/locale, /etc/default/keyboard. */

/** With these values in the places of the old ones, new ones at the end; null takes a name out. Everything else stays. */
export function withAssignments(text: string, values: Readonly<Record<string, string | null>>): string {
  const left = new Map(Object.entries(values))
  const lines: string[] = []
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const name = /^\s*(?:export\s+)?([A-Za-z_]\w*)=/.exec(line)?.[1]
    if (name === undefined || !(name in values)) {
      lines.push(line)
      continue
    }
    const value = left.get(name)
    left.delete(name)
    if (typeof value === 'string') lines.push(`${name}=${value}`)
  }
  for (const [name, value] of left) if (value !== null) lines.push(`${name}=${value}`)
  return `${lines.join('\n').replace(/^\n+/, '')}\n`
}
