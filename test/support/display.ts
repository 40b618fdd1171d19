import { spawn } from 'node:child_process'

export interface Display {
  /** For the environment of what shows on it. */
  name: string
  close(): Promise<void>
}

/** A display of its own, on a socket of this machine only. Anyone here may connect: the window may belong to another user than the test. */
export async function openDisplay(): Promise<Display> {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp', '-ac'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const number = await new Promise<string>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`Xvfb ended with exit code ${code}`)))
    server.stdio[3]?.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
  })
  return {
    name: `:${number}`,
    async close() {
      server.kill()
      await gone
    },
  }
}
