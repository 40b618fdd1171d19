import { stagedDevice } from '../../block/staged.ts'
import type { WritableDevice } from '../../volumes/making/new-entry.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { runProgramSync } from '../../wasm/program.ts'

const stagedBytes = 64 * 1024 * 1024
const blocksPath = '/blocks'
const commandsPath = '/commands'

/**
 * Leaves an ext volume as a power cut does: the content of the new files is in its place, and everything that leads to them stands in the journal only
 * (data=ordered, Documentation/filesystems/ext4). `change` makes the files and answers their inodes.
 */
export function cutPowerAfter(volume: WritableDevice, change: (writer: ExtWriter) => number[]): void {
  const after = stagedDevice(volume, { limitBytes: stagedBytes })
  const writer = new ExtWriter(after)
  const { blockBytes } = writer.facts()
  const content = new Set<number>()
  try {
    for (const inode of change(writer)) {
      writer.flush()
      for (const { place, length } of writer.runs(inode) ?? [])
        for (let at = 0; at < length; at += blockBytes) content.add((place + at) / blockBytes)
    }
  } finally {
    writer.close()
  }
  const logged: { block: number; bytes: Uint8Array }[] = []
  for (const { offset, bytes } of after.changes(blockBytes)) {
    const block = offset / blockBytes
    if (content.has(block)) volume.writeSync(bytes, offset)
    // The superblock's counters are only right after a check anyway, and its mark for the journal must stay.
    else if (block !== 0) logged.push({ block, bytes })
  }
  writeJournal(volume, logged)
}

/** debugfs(8), "journal_write": one transaction, which is not carried out. */
function writeJournal(volume: WritableDevice, logged: readonly { block: number; bytes: Uint8Array }[]): void {
  const commands = [
    'journal_open -c',
    `journal_write -b ${logged.map(({ block }) => block).join(',')} ${blocksPath}`,
    'journal_close',
  ]
  const { exitCode, err } = runProgramSync(
    {
      program: 'debugfs',
      args: ['-w', '-f', commandsPath, '/dev/card'],
      files: {
        [commandsPath]: Buffer.from(`${commands.join('\n')}\n`),
        [blocksPath]: Buffer.concat(logged.map(({ bytes }) => bytes)),
      },
    },
    volume,
  )
  const complaints = err.replace(/^debugfs .*\n/, '').trim()
  if (exitCode !== 0 || complaints !== '') throw new Error(`debugfs ended with ${exitCode}: ${complaints}`)
}
