import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { lastWords, patienceFactor } from './qemu.ts'

/** Scripts for a running machine, one after the other (guest-loop.sh is the other side). */
export interface Conversation {
  /** Runs a script as root, stopping at its first failure; answers all that it said. Throws with that where it fails, or takes too long. */
  run(script: string, limitSeconds?: number): Promise<string>
  /** The power is cut: what the guest had not written is lost. Answers when the machine is gone. */
  stop(): Promise<void>
}

/** Waits until the machine says that it is ready. */
export async function converse(machine: ChildProcess, consolePath: string, startSeconds: number): Promise<Conversation> {
  const { stdin, stdout } = machine
  if (!stdin || !stdout) throw new Error('the machine was started without its serial port')
  const gone = new Promise<void>((resolve) => void machine.once('close', () => resolve()))
  const stop = () => {
    machine.kill('SIGKILL')
    return gone
  }
  const hear = listener(machine, consolePath)
  await hear('@@ready', startSeconds)
  let jobs = 0
  return {
    stop,
    async run(script, limitSeconds = 120) {
      jobs += 1
      const answer = hear(`@@done ${jobs} `, limitSeconds)
      stdin.write(`set -e\n${script}\n@@run ${jobs}\n`)
      const { line, said } = await answer
      const status = line.split(' ')[2]
      if (status !== '0')
        throw new Error(`the guest's script ended with ${status}:\n${said.slice(-4000)}\n${lastWords(consolePath)}`)
      return said
    },
  }
}

interface Heard {
  line: string
  /** What was said before. */
  said: string
}

/** Waits for a line that begins so; fails when the machine ends before, or when it takes too long. */
function listener(machine: ChildProcess, consolePath: string): (begin: string, limitSeconds: number) => Promise<Heard> {
  const lines = createInterface({ input: machine.stdout ?? process.stdin })
  return (begin, limitSeconds) =>
    new Promise((resolve, reject) => {
      const said: string[] = []
      const limitMs = limitSeconds * patienceFactor * 1000
      const end = (act: () => void) => {
        clearTimeout(timer)
        lines.off('line', heard)
        machine.off('close', died)
        machine.off('error', died)
        act()
      }
      const fail = (why: string) => {
        machine.kill('SIGKILL')
        end(() => reject(new Error(`${why}\n${said.join('\n').slice(-4000)}\n${lastWords(consolePath)}`)))
      }
      const heard = (line: string) => {
        if (!line.startsWith(begin)) return void said.push(line)
        end(() => resolve({ line, said: said.join('\n') }))
      }
      const died = () => fail('the guest ended by itself:')
      const timer = setTimeout(() => fail(`the guest took more than ${limitMs / 1000} s:`), limitMs)
      lines.on('line', heard)
      machine.on('close', died)
      machine.on('error', died)
    })
}
