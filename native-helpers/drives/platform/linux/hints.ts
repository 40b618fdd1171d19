import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { blockNodes } from './sysfs.ts'

const pollMs = 1000

/**
 * Three ears, as none hears everything: the kernel's own events where udevadm is there (a medium put into a reader), /dev (nodes that come
 * and go), and once a second the state that tells of mounts, swaps and devices. The last one costs about a millisecond and hears all that
 * matters; the others make it prompt. Node cannot listen to the kernel's netlink socket itself.
 */
export function hints(onHint: () => void): () => void {
  const ends = [udevEvents(onHint), folderEvents(onHint), stateEvents(onHint)]
  return () => {
    for (const end of ends) end()
  }
}

function udevEvents(onHint: () => void): () => void {
  const child = spawn('udevadm', ['monitor', '--kernel', '--udev', '--subsystem-match=block'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.on('error', () => {})
  child.stdout.on('data', onHint)
  child.unref()
  if ('unref' in child.stdout && typeof child.stdout.unref === 'function') child.stdout.unref()
  const end = () => void child.kill()
  process.once('exit', end)
  return () => {
    process.off('exit', end)
    end()
  }
}

function folderEvents(onHint: () => void): () => void {
  try {
    const watcher = watch('/dev', { persistent: false }, (_, name) => {
      if (name === null || !/^(tty|pts|ptmx)/.test(name)) onHint()
    })
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}

function stateEvents(onHint: () => void): () => void {
  let ended = false
  let last: string | null = null
  const look = async () => {
    const state = await fingerprint().catch(() => null)
    if (ended) return
    if (state !== null && last !== null && state !== last) onHint()
    last = state ?? last
    timer = setTimeout(look, pollMs)
    timer.unref()
  }
  let timer: NodeJS.Timeout | undefined
  void look()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

/** A text that changes whenever the list of drives might. */
async function fingerprint(): Promise<string> {
  const [nodes, mounts, swaps] = await Promise.all([
    blockNodes(),
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/swaps', 'utf8').catch(() => ''),
  ])
  const devices = [...nodes.values()].map(
    ({ number, sizeBytes, readOnly, sequence, backingFile, holders }) =>
      `${number} ${sizeBytes} ${readOnly} ${sequence} ${backingFile} ${holders}`,
  )
  // Of swaps only which there are: how full they are changes all the time.
  const places = swaps.split('\n').map((line) => line.split(/\s/)[0])
  return [...devices, ...places, mounts].join('\n')
}
