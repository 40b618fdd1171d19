/** What the reader tells about a document, in order. Offsets are positions in the text that was given. */
export interface XmlHandler {
  open(name: string, attributes: ReadonlyMap<string, string>, path: readonly string[]): void
  /** All text directly inside an element, up to its end; `offset` is where the text before its first child begins. */
  close(name: string, text: string, offset: number, path: readonly string[]): void
}

export class XmlError extends Error {
  override readonly name = 'XmlError'
}

const maxDepth = 16
const maxAttributes = 32
const namePattern = /[A-Za-z_:][-A-Za-z0-9_:.]*/y
const attributePattern = /[ \t\r\n]+([A-Za-z_:][-A-Za-z0-9_:.]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y
const tagEndPattern = /[ \t\r\n]*(\/?)>/y
const referencePattern = /&(?:(amp|lt|gt|quot|apos);|)/g
const predefined: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * Reads the part of XML that data files use: elements, attributes, text, comments, the declaration. Strict on purpose: there is no
 * DOCTYPE, hence no entity that could expand or fetch anything, no CDATA, no recursion. Throws an XmlError that names the place.
 */
export function readXml(text: string, handler: XmlHandler): void {
  const path: string[] = []
  const texts: { text: string; offset: number }[] = []
  let at = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : text.startsWith('\ufeff') ? 1 : 0
  let sawRoot = false

  const fail = (what: string): never => {
    throw new XmlError(`${what} at byte ${at}`)
  }
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at = pattern.lastIndex
    return found
  }
  const skipPast = (closing: string, what: string): void => {
    const end = text.indexOf(closing, at)
    if (end < 0) fail(`${what} that never ends`)
    at = end + closing.length
  }
  const takeText = (piece: string): void => {
    const inside = texts.at(-1)
    if (inside) inside.text += plain(piece, fail)
    else if (piece.trim() !== '') fail('text outside of the document')
  }
  const takeElement = (): void => {
    at += 1
    const name = match(namePattern)?.[0] ?? fail('a tag without a name')
    if (path.length === 0 && sawRoot) fail('a second document')
    if (path.length >= maxDepth) fail('elements nested too deeply')
    sawRoot = true
    const attributes = new Map<string, string>()
    for (let found = match(attributePattern); found; found = match(attributePattern)) {
      const key = found[1] ?? ''
      if (attributes.has(key)) fail(`the attribute ${key} twice`)
      if (attributes.size >= maxAttributes) fail('too many attributes')
      attributes.set(key, plain(found[2] ?? found[3] ?? '', fail))
    }
    const end = match(tagEndPattern) ?? fail('a tag that does not end')
    path.push(name)
    handler.open(name, attributes, path)
    if (end[1] === '/') {
      handler.close(name, '', at, path)
      path.pop()
    } else texts.push({ text: '', offset: at })
  }
  const takeEndTag = (): void => {
    at += 2
    const name = match(namePattern)?.[0] ?? fail('an end tag without a name')
    if (!match(tagEndPattern)?.[0].endsWith('>')) fail('an end tag that does not end')
    if (path.at(-1) !== name) fail(`</${name}> where <${path.at(-1) ?? 'nothing'}> is open`)
    const inside = texts.pop()
    handler.close(name, inside?.text ?? '', inside?.offset ?? at, path)
    path.pop()
  }

  while (at < text.length) {
    const tag = text.indexOf('<', at)
    const end = tag < 0 ? text.length : tag
    if (end > at) takeText(text.slice(at, end))
    at = end
    if (tag < 0) break
    if (text.startsWith('<!--', at)) skipPast('-->', 'a comment')
    else if (text.startsWith('<?', at)) skipPast('?>', 'a declaration')
    else if (text.startsWith('<!', at)) fail('a document type or CDATA section, which this file must not have,')
    else if (text.startsWith('</', at)) takeEndTag()
    else takeElement()
  }
  if (path.length > 0) fail(`the end of the file inside <${path.at(-1)}>`)
  if (!sawRoot) fail('no document')
}

function plain(text: string, fail: (what: string) => never): string {
  if (!text.includes('&')) return text
  return text.replace(referencePattern, (_, name: string | undefined) =>
    name === undefined ? fail('an entity that XML does not define itself') : (predefined[name] ?? ''),
  )
}
