/** The text of checksum files, as coreutils, BSD, OpenSSL and people write it. */

export interface SumLine {
  algorithm: 'sha256' | 'md5'
  /** Lower case. */
  value: string
  /** The file that it is of, without folders; null for a bare sum. */
  name: string | null
}

/** `sha256sum`: sum, a space, a space or `*`, the name. A backslash in front says that the name is escaped. People write one space, or a tab. */
const coreutils = /^(\\?)([0-9a-f]{32}|[0-9a-f]{64})(?: [ *]|[ \t]+\*?)(.+)$/i
/** The table of PowerShell's `Get-FileHash`: algorithm, sum, path. */
const table = /^(?:SHA256\s+([0-9a-f]{64})|MD5\s+([0-9a-f]{32}))\s+(.+)$/i
/** BSD and `sha256sum --tag`: `SHA256 (name) = sum`; OpenSSL without the spaces. */
const tagged = /^(SHA2?-?256|MD5) ?\((.+)\) ?= ?([0-9a-f]{32}|[0-9a-f]{64})$/i
const bare = /^([0-9a-f]{32}|[0-9a-f]{64})$/i

/** Of a checksum file; UTF-16, which is what PowerShell redirects, goes by its byte order mark. Lines that are none are left out: signatures, comments, an error page in HTML. */
export function parseSums(file: Uint8Array): SumLine[] {
  const sums: SumLine[] = []
  for (const line of decode(file).split(/\r\n|\n|\r/)) {
    const sum = parseLine(line.trim())
    if (sum !== null) sums.push(sum)
  }
  return sums
}

function decode(file: Uint8Array): string {
  const encoding = file[0] === 0xff && file[1] === 0xfe ? 'utf-16le' : file[0] === 0xfe && file[1] === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding).decode(file)
}

function parseLine(line: string): SumLine | null {
  const plain = coreutils.exec(line)
  if (plain !== null) return sumLine(plain[2] ?? '', plain[1] === '\\' ? unescaped(plain[3] ?? '') : (plain[3] ?? ''))
  const tag = tagged.exec(line)
  if (tag !== null) {
    const sum = sumLine(tag[3] ?? '', tag[2] ?? '')
    return sum.algorithm === (/^md5$/i.test(tag[1] ?? '') ? 'md5' : 'sha256') ? sum : null
  }
  const row = table.exec(line)
  if (row !== null) return sumLine(row[1] ?? row[2] ?? '', row[3] ?? '')
  const alone = bare.exec(line)
  return alone === null ? null : sumLine(alone[1] ?? '', null)
}

function sumLine(value: string, name: string | null): SumLine {
  return {
    algorithm: value.length === 32 ? 'md5' : 'sha256',
    value: value.toLowerCase(),
    name: name === null ? null : (name.split(/[/\\]/).at(-1) ?? name),
  }
}

function unescaped(name: string): string {
  return name.replaceAll(/\\([\\nr])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\'))
}
