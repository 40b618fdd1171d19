import { maxConfigBytes } from './entry.ts'

/** A word of a GRUB script; variables in it are not replaced yet, except that single quotes keep their dollars. */
export interface GrubWord {
  pieces: { text: string; literal: boolean }[]
  quoted: boolean
}

export interface GrubStatement {
  words: GrubWord[]
  /** Of a menuentry, a submenu or a function. */
  block: GrubStatement[] | null
  /** Whether it lies within an if or a loop. */
  conditional: boolean
}

const maxStatements = 20_000
const maxDepth = 32
/** Words that stand before another command in the same statement. */
const leading = new Set(['then', 'else', 'do'])
const opening = new Set(['if', 'while', 'until', 'for'])
const closing = new Set(['fi', 'done'])
const withBlock = new Set(['menuentry', 'submenu', 'function', 'hiddenentry'])

type Token = GrubWord | 'end' | '{' | '}'

/** The commands of a script (GRUB manual, "Writing full configuration files directly") as far as a menu needs them; conditions are left out. */
export function parseGrubScript(text: string): GrubStatement[] {
  const tokens = tokenize(text.slice(0, maxConfigBytes))
  let at = 0
  let count = 0
  let conditions = 0
  const block = (depth: number): GrubStatement[] => {
    const statements: GrubStatement[] = []
    let words: GrubWord[] = []
    const finish = (inner: GrubStatement[] | null): void => {
      const statement = commandOf(words)
      words = []
      const name = statement[0] ? plainText(statement[0]) : ''
      if (closing.has(name)) conditions = Math.max(0, conditions - 1)
      else if (opening.has(name)) conditions += 1
      else if (statement.length > 0 && name !== 'elif' && count < maxStatements) {
        count += 1
        statements.push({ words: statement, block: inner, conditional: conditions > 0 })
      }
    }
    while (at < tokens.length) {
      const token = tokens[at]
      at += 1
      if (token === 'end') finish(null)
      else if (token === '{') {
        const name = words[0] ? plainText(words[0]) : ''
        if (!withBlock.has(name)) continue
        finish(depth < maxDepth ? block(depth + 1) : [])
      } else if (token === '}') {
        finish(null)
        if (depth > 0) return statements
      } else if (token) words.push(token)
    }
    finish(null)
    return statements
  }
  return block(0)
}

function commandOf(words: GrubWord[]): GrubWord[] {
  const first = words.findIndex((word) => !leading.has(plainText(word)))
  return first < 0 ? [] : words.slice(first)
}

function plainText(word: GrubWord): string {
  return word.quoted ? '' : word.pieces.map(({ text }) => text).join('')
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let word: GrubWord | null = null
  const add = (piece: string, literal: boolean, quoted: boolean): void => {
    word ??= { pieces: [], quoted: false }
    word.pieces.push({ text: piece, literal })
    if (quoted) word.quoted = true
  }
  const end = (): void => {
    if (!word) return
    const bare = plainText(word)
    // A brace by itself opens or closes; `}` does only where a command could begin.
    const startsCommand = tokens.length === 0 || typeof tokens.at(-1) === 'string'
    if (bare === '{' || (bare === '}' && startsCommand)) tokens.push(bare)
    else tokens.push(word)
    word = null
  }
  while (at < text.length) {
    const letter = text[at] ?? ''
    at += 1
    if (letter === '\\') {
      const next = text[at] ?? ''
      at += 1
      if (next === '\r' && text[at] === '\n') at += 1
      else if (next !== '\n') add(next, true, false)
    } else if (letter === "'") {
      const close = text.indexOf("'", at)
      const stop = close < 0 ? text.length : close
      add(text.slice(at, stop), true, true)
      at = stop + 1
    } else if (letter === '"') {
      const start = at
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
      add(
        text
          .slice(start, at)
          .replace(/\\([$"\\])/g, '$1')
          .replaceAll('\\\n', ''),
        false,
        true,
      )
      at += 1
    } else if (letter === '#' && word === null) {
      const line = text.indexOf('\n', at)
      at = line < 0 ? text.length : line
    } else if (letter === '\n' || letter === ';') {
      end()
      tokens.push('end')
    } else if (letter === ' ' || letter === '\t' || letter === '\r') end()
    else {
      const rest = /[\s;'"\\]/g
      rest.lastIndex = at
      const stop = rest.exec(text)?.index ?? text.length
      add(text.slice(at - 1, stop), false, false)
      at = stop
    }
  }
  end()
  return tokens
}

/** A few variables that name each other twice would make more text than memory holds. */
const maxExpandedLength = 64 * 1024

/** The word with the variables that have a value; others stay as they are written, and all do once it is impossibly long. */
export function expanded(word: GrubWord, variables: ReadonlyMap<string, string>): string {
  let added = 0
  const replacement = (written: string, braced?: string, bare?: string): string => {
    const value = variables.get(braced ?? bare ?? '')
    if (value === undefined || added + value.length > maxExpandedLength) return written
    added += value.length
    return value
  }
  const parts = word.pieces.map(({ text, literal }) => (literal ? text : text.replace(/\$(?:\{(\w+)\}|(\w+))/g, replacement)))
  return parts.join('')
}
