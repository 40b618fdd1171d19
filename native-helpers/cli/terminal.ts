import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { stoppedEarly } from './interrupt.ts'

/** Where the command speaks. The answer goes to stdout and nothing else does; everything for the person watching goes to stderr. */
export interface Terminal {
  /** A question can be seen and answered. */
  readonly canAsk: boolean
  /** stderr shows a line that can be drawn anew. */
  readonly liveLine: boolean
  readonly columns: number
  answer(text: string): void
  json(value: unknown): void
  say(text: string): void
  /** Draws the live line; '' takes it away. */
  drawLine(text: string): void
  /** The line that was typed; null at the end of input. Rejects when it is interrupted, by Ctrl-C or by `signal`. */
  ask(question: string, signal: AbortSignal): Promise<string | null>
  /** The same without what is typed being seen. */
  askSecret(question: string, signal: AbortSignal): Promise<string | null>
  /** After everything that was said has left the process, or nobody reads it any more. */
  drained(): Promise<void>
}

export function createTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  const answers = outlet(stdout)
  const words = outlet(stderr)
  let drawn = ''

  const drawLine = (text: string) => {
    if (text === drawn) return
    // CSI 2K: the whole line is cleared, as the new text may be shorter.
    words.write(`\r\u001b[2K${plain(text)}`)
    drawn = text
  }
  const say = (text: string) => {
    const line = drawn
    if (line !== '') drawLine('')
    words.write(`${plain(text)}\n`)
    if (line !== '') drawLine(line)
  }

  const asked = async (question: string, signal: AbortSignal, secret = false) => {
    if (signal.aborted) throw stoppedEarly()
    const output = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : stderr
    const reader = createInterface({ input: stdin, output, historySize: 0, terminal: stdin.isTTY === true })
    // From here on the terminal itself shows nothing of what is typed; before, it would.
    if (secret) words.write(plain(question))
    const interrupted = Promise.withResolvers<never>()
    const stop = () => interrupted.reject(stoppedEarly())
    signal.addEventListener('abort', stop, { once: true })
    // The line editor has taken the terminal over, so Ctrl-C comes as a key and not as a signal.
    reader.once('SIGINT', stop)
    const ended = new Promise<null>((resolve) => reader.once('close', () => resolve(null)))
    try {
      return await Promise.race([reader.question(plain(question)), ended, interrupted.promise])
    } finally {
      signal.removeEventListener('abort', stop)
      reader.close()
    }
  }

  return {
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    liveLine: stderr.isTTY === true && process.env.TERM !== 'dumb',
    get columns() {
      return stderr.columns || 80
    },
    answer: (text) => answers.write(`${plain(text)}\n`),
    json: (value) => answers.write(`${JSON.stringify(value)}\n`),
    say,
    drawLine,
    ask: (question, signal) => asked(question, signal),
    askSecret: (question, signal) => asked(question, signal, true).finally(() => words.write('\n')),
    async drained() {
      await Promise.all([answers.drained(), words.drained()])
    },
  }
}

/** A stream whose reader may go away (`| head -1`): what comes after is dropped, and the work goes on. */
function outlet(stream: NodeJS.WriteStream) {
  let open = true
  stream.on('error', () => {
    open = false
  })
  return {
    write(text: string) {
      if (open) stream.write(text)
    },
    drained(): Promise<void> {
      if (!open || stream.writableLength === 0) return Promise.resolve()
      return new Promise((resolve) => {
        stream.once('error', () => resolve())
        stream.write('', () => resolve())
      })
    },
  }
}

/** Names of volumes and files come from strangers: what would move the cursor, colour the text or turn its direction is shown as a mark. */
export function plain(text: string): string {
  return text.replace(forbidden, '\ufffd')
}

// Control characters but newline (C0, DEL, C1), and the bidirectional overrides and isolates of Unicode.
const forbidden = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu
