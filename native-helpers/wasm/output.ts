/** What a program says, as text, as it comes; kept up to a bound, because a damaged volume can have millions of complaints. */
export class OutputText {
  readonly #limitChars: number
  readonly #tell: (text: string) => void
  readonly #decoder = new TextDecoder()
  #text = ''
  #truncated = false

  constructor(limitChars: number, tell: (text: string) => void = () => {}) {
    this.#limitChars = limitChars
    this.#tell = tell
  }

  take(bytes: Uint8Array): void {
    this.#add(this.#decoder.decode(bytes, { stream: true }))
  }

  #add(text: string): void {
    if (text === '') return
    const kept = text.slice(0, this.#limitChars - this.#text.length)
    this.#text += kept
    if (kept.length < text.length) this.#truncated = true
    if (kept !== '') this.#tell(kept)
  }

  end(): { text: string; truncated: boolean } {
    this.#add(this.#decoder.decode())
    return { text: this.#text, truncated: this.#truncated }
  }
}

/** "pass now max device", a line per step of e2fsck (e2fsck/unix.c, e2fsck_update_progress). */
export interface CheckProgress {
  /** 1 to 5. */
  pass: number
  done: number
  total: number
}

export function progressReader(tell: (progress: CheckProgress) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder()
  let rest = ''
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [pass, done, total] = line.split(' ').map(Number)
      if (pass !== undefined && done !== undefined && total !== undefined && Number.isFinite(total)) tell({ pass, done, total })
    }
  }
}
