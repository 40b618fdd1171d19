import { join } from 'node:path'
import { type Conversation, converse } from './conversation.ts'
import { guestParts } from './guest-parts.ts'
import { startMachine } from './qemu.ts'

/** A running machine with Debian's kernel, in which scripts run as root; what lies in its folder here lies in `/share` there. */
export interface Guest extends Conversation {
  /** As `uname -r` prints it. */
  readonly release: string
}

const memoryMiB = 1792
export const kernelWords = 'console=ttyS0 panic=-1 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on'

/** Starts one over a folder. Whoever starts it stops it; it ends with this process at the latest. */
export async function startGuest(share: string): Promise<Guest> {
  const { kernel, initrd, release } = await guestParts()
  const consolePath = join(share, 'console')
  const devices = [
    ...['-kernel', kernel, '-initrd', initrd, '-append', `${kernelWords} rdinit=/init`],
    ...['-fsdev', `local,id=share,path=${share},security_model=none`, '-device', 'virtio-9p-pci,fsdev=share,mount_tag=share'],
  ]
  const machine = startMachine({ devices, memoryMiB, consolePath })
  return { release, ...(await converse(machine, consolePath, 120)) }
}
