import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Channel } from '../contract.ts'
import { createHub, type Hub } from './hub.ts'

/** Longest line either side accepts. A list of drives is a few kilobytes; a job with its speed curve about ten. */
export const maxLineBytes = 4 * 1024 * 1024
/** What may wait for a peer that does not read before it counts as gone. */
const maxWaitingBytes = 64 * 1024 * 1024
const newline = 0x0a

/** How long after the end of its output a child may take to be reported dead, before "its output ended" is all there is to say. */
const exitGraceMs = 1000

/** The helper's side: one JSON message per line on stdin and stdout. Nothing else may print to stdout then. */
export function stdioChannel(input: Readable = process.stdin, output: Writable = process.stdout): Channel {
  const hub = lineChannel(input, output, () => {
    input.destroy()
    output.end()
  })
  input.once('end', () => hub.ended('the input ended'))
  return hub.channel
}

/** The parent's side over a child that was started with piped stdin and stdout. Its death is the end of the channel. */
export function childChannel(child: ChildProcess): Channel {
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new TypeError('the child has no piped stdin and stdout')
  // Closing ends the child's input, which is how a helper learns that it may go; who started the child decides about more.
  const hub = lineChannel(stdout, stdin, () => stdin.end())
  stdout.once('end', () => setTimeout(() => hub.ended('its output ended'), exitGraceMs).unref())
  child.once('error', (error) => hub.ended(`it could not be started or reached (${error.message})`))
  child.once('close', (code, signal) => hub.ended(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`))
  return hub.channel
}

function lineChannel(input: Readable, output: Writable, release: () => void): Hub {
  const hub = createHub({
    send(message) {
      output.write(`${JSON.stringify(message)}\n`)
      if (output.writableLength > maxWaitingBytes) hub.fail('the other side does not read its messages')
    },
    release,
  })
  const feed = lineSplitter(
    (line) => {
      const message = parseLine(line)
      if (message === null) hub.fail('a line that is not a message')
      else hub.receive(message.value)
    },
    () => hub.fail(`a line longer than ${maxLineBytes} bytes`),
    () => hub.open,
  )
  input.on('data', feed)
  input.once('error', (error) => hub.ended(`reading from it failed (${error.message})`))
  output.on('error', (error) => hub.ended(`writing to it failed (${error.message})`))
  return hub
}

/** Cuts a byte stream at newlines and holds at most one line of `maxLineBytes`. */
function lineSplitter(onLine: (line: Buffer) => void, onTooLong: () => void, isOpen: () => boolean): (chunk: Buffer) => void {
  let pieces: Buffer[] = []
  let heldBytes = 0
  return (chunk) => {
    let start = 0
    while (isOpen()) {
      const end = chunk.indexOf(newline, start)
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end)
      if (heldBytes + piece.length > maxLineBytes) {
        pieces = []
        onTooLong()
        return
      }
      pieces.push(piece)
      heldBytes += piece.length
      if (end === -1) return
      const line = pieces.length === 1 ? piece : Buffer.concat(pieces)
      pieces = []
      heldBytes = 0
      start = end + 1
      onLine(line)
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseLine(line: Buffer): { value: unknown } | null {
  try {
    return { value: JSON.parse(utf8.decode(line)) }
  } catch {
    return null
  }
}
