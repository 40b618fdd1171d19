import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conversation, converse } from './conversation.ts'
import { kernelWords } from './guest.ts'
import { startMachine, uefiFirmware } from './qemu.ts'
import { unpackedKernel } from './vmlinux.ts'

/** What a boot loader would read from the stick. */
export interface Start {
  kernel: string
  initrd: string
  words: string
}

const memoryMiB = 1024

/**
 * Starts a machine whose only medium is this image, as a USB stick. Without firmware the kernel is handed over as the stick's loader would do it,
 * which is quicker; with "uefi" the firmware looks for the loader itself. Files of the run go into a folder of their own inside of `folder`.
 */
export async function bootStick(image: string, start: Start | 'uefi', folder: string): Promise<Conversation> {
  const run = mkdtempSync(join(folder, 'boot-'))
  const consolePath = join(run, 'console')
  const stick = [
    ...['-device', 'qemu-xhci,id=usb', '-drive', `if=none,id=stick,file=${image},format=raw,cache=unsafe`],
    ...['-device', 'usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=1'],
  ]
  const machine = startMachine({ devices: [...stick, ...startOf(start, run)], memoryMiB, consolePath })
  return converse(machine, consolePath, start === 'uefi' ? 300 : 200)
}

function startOf(start: Start | 'uefi', run: string): string[] {
  if (start === 'uefi') return ['-bios', uefiFirmware]
  const unpacked = join(run, 'vmlinux')
  writeFileSync(unpacked, unpackedKernel(readFileSync(start.kernel)))
  return ['-kernel', unpacked, '-initrd', start.initrd, '-append', `${start.words} ${liveWords}`]
}

/** Ours among the kernel's words of a live system: its first process is the one that listens. */
export const liveWords = `${kernelWords} init=/live-init`

/** A clean end: everything is written and no filesystem is left in use. */
export async function shutDown(system: Conversation): Promise<void> {
  await system.run('sync; echo u > /proc/sysrq-trigger; sync; sleep 1')
  await system.stop()
}
