import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { testFolder, tool } from './tools.ts'

export interface LoopDevice {
  /** "/dev/loop3" */
  path: string
  /** The file behind it: what is written to the device is there. */
  backing: string
  detach(): void
}

export interface LoopOptions {
  sizeBytes: number
  readOnly?: boolean
  /** Where the backing file lies; a folder of the test by default. */
  folder?: string
}

/** Why no loop device can be made here, or null. */
export function cannotLoop(): string | null {
  if (process.platform !== 'linux') return 'loop devices are of Linux'
  if (process.getuid?.() !== 0) return 'making a loop device needs root'
  return existsSync('/dev/loop-control') ? null : 'this kernel has no loop devices'
}

/** A sparse file as a block device, detached when the test ends. */
export function withLoop(t: TestContext, { sizeBytes, readOnly = false, folder = testFolder(t) }: LoopOptions): LoopDevice {
  const backing = join(folder, `backing-${Math.random().toString(36).slice(2)}.img`)
  writeFileSync(backing, '')
  truncateSync(backing, sizeBytes)
  return loopOf(t, backing, readOnly)
}

/** A loop device over a file that is there already. */
export function loopOf(t: TestContext, backing: string, readOnly = false, sectorSize = 512): LoopDevice {
  const sectors = sectorSize === 512 ? [] : ['--sector-size', String(sectorSize)]
  const path = tool('losetup', ['--find', '--show', ...(readOnly ? ['--read-only'] : []), ...sectors, backing]).trim()
  const inode = backingOf(path)
  let attached = true
  const detach = () => {
    if (!attached) return
    attached = false
    // Detached by the test in some other way, the number may already be another test's device.
    if (backingOf(path) === inode) tool('losetup', ['--detach', path])
  }
  t.after(detach)
  return { path, backing, detach }
}

/** The file behind a loop device, as the kernel names it: its path may be gone, its number is not. */
function backingOf(path: string): string {
  return tool('losetup', ['--noheadings', '--output', 'BACK-MAJ:MIN,BACK-INO', path]).trim()
}

const zram = '/dev/zram0'
const zramSys = '/sys/block/zram0'

/** Why there is no zram device to use, or null. */
export function cannotZram(): string | null {
  if (process.getuid?.() !== 0) return 'setting up zram needs root'
  if (!existsSync(zram) || !existsSync(zramSys)) return 'this kernel has no zram device'
  return null
}

/** The one zram device of the machine, of that size and empty, for this test alone; other processes that want it wait. */
export async function withZram(t: TestContext, { sizeBytes }: { sizeBytes: number }): Promise<string> {
  const unlock = await lock('livecard-zram0.lock')
  try {
    resetZram()
    writeFileSync(join(zramSys, 'disksize'), String(sizeBytes))
  } catch (thrown) {
    unlock()
    throw thrown
  }
  t.after(() => {
    try {
      resetZram()
    } finally {
      unlock()
    }
  })
  return zram
}

/** The kernel refuses while anything has the device open, as whoever lists drives does for a moment. */
function resetZram(): void {
  for (let tries = 1; ; tries += 1) {
    try {
      writeFileSync(join(zramSys, 'reset'), '1')
      return
    } catch (thrown) {
      if (tries === 50) throw thrown
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
}

const lockPatienceMs = 120_000

/** A lock between processes: a file with the owner's number that only one can create; one whose owner is gone is taken over. */
async function lock(name: string): Promise<() => void> {
  const path = join(tmpdir(), name)
  const deadline = Date.now() + lockPatienceMs
  for (;;) {
    try {
      const file = openSync(path, 'wx')
      writeSync(file, String(process.pid))
      closeSync(file)
      return () => rmSync(path, { force: true })
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'EEXIST') throw thrown
    }
    if (ownerGone(path)) rmSync(path, { force: true })
    else if (Date.now() > deadline) throw new Error(`${path} is held by another test for too long`)
    else await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function ownerGone(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, 'utf8'))
    // Just created, its number not yet in it: its owner lives.
    if (owner === 0) return Date.now() - statSync(path).mtimeMs > 5000
    return !existsSync(`/proc/${owner}`)
  } catch {
    return false
  }
}
