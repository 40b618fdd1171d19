import { execFile } from 'node:child_process'
import type { DriveFacts } from '../facts.ts'
import { gather } from './linux/gather.ts'
import { hints } from './linux/hints.ts'
import { locate } from './linux/locate.ts'
import { openDrive } from './linux/open.ts'
import { unmountAll } from './linux/unmount.ts'
import type { Platform } from './types.ts'

export const linux: Platform = { gather, locate, unmountAll, open: openDrive, reread, hints }

/** Where udev runs, closing the descriptor is enough; without it, root asks the kernel itself. */
async function reread(facts: DriveFacts): Promise<void> {
  if (process.getuid?.() !== 0) return
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  await new Promise<void>((resolve) => {
    execFile('blockdev', ['--rereadpt', facts.path], { env, timeout: 5000 }, () => resolve())
  })
}
