/** Starts the helper, the one process that talks to drives, and gives the channel to it. Its death is the end of that channel, with the reason. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { app, utilityProcess } from 'electron'
import { portChildChannel } from '../native-helpers/channels/parent-port.ts'
import { childChannel } from '../native-helpers/channels/stdio.ts'
import type { Channel } from '../native-helpers/contract.ts'

/** The helper is bundled for Node 24 and uses nothing that 22 lacks. */
const oldestNode = 22

export interface HelperProcess {
  channel: Channel
  /** Resolves when the process is gone. It ends itself when its channel ends; one that does not is killed. */
  stop(): Promise<void>
}

/** By Electron's own Node where that is new enough, else by the Node that lies beside the app. */
export function startHelper(): HelperProcess {
  // A program of its own cannot look into the archive, so the helper lies beside it.
  const entry = join(__dirname, '..', 'helper', 'main.js').replace('app.asar', 'app.asar.unpacked')
  const electronNode = Number(process.versions.node.split('.')[0])
  return electronNode >= oldestNode ? startUtility(entry) : startChild(ownNode(), entry)
}

export function startUtility(entry: string): HelperProcess {
  const child = utilityProcess.fork(entry, [], { serviceName: 'Livecard helper', stdio: 'inherit', env: helperEnvironment() })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const channel = portChildChannel(child)
  return { channel, stop: () => endOf(channel, gone, () => child.kill()) }
}

export function startChild(node: string, entry: string): HelperProcess {
  const child = spawn(node, [entry], { stdio: ['pipe', 'pipe', 'inherit'], env: helperEnvironment(), windowsHide: true })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const channel = childChannel(child)
  return { channel, stop: () => endOf(channel, gone, () => child.kill('SIGKILL')) }
}

function ownNode(): string {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  return app.isPackaged ? join(process.resourcesPath, name) : join(app.getAppPath(), 'node_modules', 'node', 'bin', name)
}

/** What the user's shell says to Node is not meant for the process that opens drives. */
function helperEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('ELECTRON_') && !name.startsWith('NODE_'))
  // A write per target and several in flight each: the usual four threads would make targets wait for each other.
  return { ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])), UV_THREADPOOL_SIZE: '16' }
}

async function endOf(channel: Channel, gone: Promise<void>, kill: () => void): Promise<void> {
  channel.close()
  const patience = setTimeout(kill, 5000)
  await gone
  clearTimeout(patience)
}
