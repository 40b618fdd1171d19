import { existsSync, lstatSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What receive.c exports. */
export interface Receiver {
  socketPair(): [number, number]
  /** -1 when none lies ready. */
  receiveDescriptor(socket: number): number
}

export interface AccessPrograms {
  openDrive: string
  receiver: Receiver
}

export const programNames = { openDrive: 'open-drive', receiver: 'receive.node' }

/** Below `node_modules` of a checkout, where build/access.ts puts what it compiles. */
export const builtFolder = join('node_modules', '.cache', 'livecard', 'access')

/** The opener and the receiver; null where they are not installed or built. */
export function accessPrograms(): AccessPrograms | null {
  for (const folder of candidateFolders()) {
    const openDrive = join(folder, programNames.openDrive)
    const receiver = join(folder, programNames.receiver)
    if (existsSync(openDrive) && existsSync(receiver)) return { openDrive: realpathSync(openDrive), receiver: load(receiver) }
  }
  return null
}

/** Beside a packaged app first, then the system's own place, then the checkout that this file is part of. */
function candidateFolders(): string[] {
  const folders = ['/usr/lib/livecard']
  if ('resourcesPath' in process && typeof process.resourcesPath === 'string')
    folders.unshift(join(process.resourcesPath, 'access'))
  const here = dirname(fileURLToPath(import.meta.url))
  // A packaged helper that plain Node runs is not told where the resources are; it lies three folders below them.
  if (here.endsWith(join('app.asar.unpacked', 'dist', 'helper'))) folders.unshift(join(here, '..', '..', '..', 'access'))
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    folders.push(join(folder, builtFolder))
  }
  return folders
}

function load(path: string): Receiver {
  return createRequire(import.meta.url)(path) as Receiver
}

/**
 * Whether nobody but root could have put something else in the program's place: it and every folder above it belong to root, and only root
 * writes there (or, in a folder such as /tmp, only its owner may replace it). What a user can change is never started as root.
 */
export function isRootsOwn(program: string): boolean {
  for (let path = program; ; path = dirname(path)) {
    const facts = lstatSync(path)
    const sticky = facts.isDirectory() && (facts.mode & 0o1000) !== 0
    if (facts.uid !== 0 || facts.isSymbolicLink() || ((facts.mode & 0o022) !== 0 && !sticky)) return false
    if (path === dirname(path)) return true
  }
}
