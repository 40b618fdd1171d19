import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Job } from '../contract.ts'
import { exitCodes } from '../errors.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import { usageError } from './args.ts'
import { watchInterrupt } from './interrupt.ts'
import type { Terminal } from './terminal.ts'
import type { Verb } from './verb.ts'

export const serve: Verb = {
  name: 'serve',
  usage: '[--port N]',
  summary: 'the app in a browser of this machine; prints its one-time link',
  about: [
    'Listens on loopback only. The link works once, for ten minutes; Enter prints a new one. Ctrl-C ends it, and cancels the jobs that still run.',
  ],
  options: { port: { type: 'string', value: 'N', help: 'the port to listen on; a free one without' } },
  async run(given, terminal) {
    const port = portOf(given.text('port'))
    const ended = Promise.withResolvers<void>()
    const interrupt = watchInterrupt(ended.resolve)
    const [{ startWebServer }, { createHandlers }, { createJobRunner }, { Changes }, { CardBackups }] = await Promise.all([
      import('../web/server.ts'),
      import('../handlers.ts'),
      import('../jobs/runner.ts'),
      import('../jobs/changes.ts'),
      import('../jobs/card-backups.ts'),
    ])
    const runner = createJobRunner()
    const changes = new Changes()
    const backups = new CardBackups()
    try {
      const server = await startWebServer({
        port,
        handlers: createHandlers(runner, changes, backups),
        bundleFolder: bundleFolder(),
      })
      const tell = () => {
        const url = server.link()
        if (given.flag('json')) terminal.json({ format: 1, url, port: server.port })
        else terminal.answer(url)
      }
      terminal.say('Livecard is at this address, for browsers of this computer. Ctrl-C ends it.')
      tell()
      const stopListening = onEnter(terminal, tell)
      await ended.promise
      stopListening()
      const cancelledJobs = await cancelJobs(runner, terminal)
      await server.close()
      return cancelledJobs > 0 ? exitCodes.cancelled : 0
    } finally {
      await Promise.all([runner.close(), changes.close(), backups.stopAll()])
      interrupt.release()
    }
  },
}

function portOf(text: string | null): number {
  if (text === null) return 0
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw usageError('bad-port', `"${text}" is not a port.`, 'Give a number from 1 to 65535.')
  return port
}

/** In a checkout dist/ lies beside native-helpers/; in a bundle the command is in dist/ itself. */
function bundleFolder(): string {
  const folders = ['../../dist/renderer/', '../renderer/'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return folders.find((folder) => existsSync(`${folder}index.html`)) ?? folders[0] ?? ''
}

function onEnter(terminal: Terminal, tell: () => void): () => void {
  if (!terminal.canAsk) return () => {}
  const reader = createInterface({ input: process.stdin, terminal: false })
  reader.on('line', tell)
  return () => reader.close()
}

async function cancelJobs(runner: JobRunner, terminal: Terminal): Promise<number> {
  const running = runner.list().filter((job) => job.state === 'running')
  if (running.length === 0) terminal.say('Ended.')
  for (const job of running) terminal.say(`Stopping: ${describe(job)}`)
  for (const job of running) runner.cancel(job.id)
  await Promise.all(running.map((job) => runner.ended(job.id)))
  return running.length
}

function describe(job: Job): string {
  const act = job.kind === 'flash' ? 'writing' : 'comparing'
  return `${act} ${job.imageName} on ${job.targets.map((target) => `${target.label} (${target.path})`).join(', ')}`
}
