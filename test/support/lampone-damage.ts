import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { slice } from '../../native-helpers/block/slice.ts'
import { openIso9660 } from '../../native-helpers/volumes/iso9660.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { withFileDevice } from './file-device.ts'
import type { CardPlace, LamponeCard } from './lampone.ts'
import { tool } from './tools.ts'

/** Bytes of a card, whatever lies there. */
export function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, offset)
  closeSync(file)
}

/** Where a file of an ISO partition lies on the card. */
export function placeOfFile(path: string, place: CardPlace, name: string): { offset: number; sizeBytes: number } {
  return withFileDevice(path, 512, (device) => {
    const { value: iso } = openIso9660(slice(device, place.startBytes, place.sizeBytes))
    const [extent] = (iso && findNode(iso, name)?.extents().value) ?? []
    if (!extent || extent.start === null) throw new Error(`${name} lies nowhere`)
    return { offset: place.startBytes + extent.start, sizeBytes: extent.lengthBytes }
  })
}

/** Commands of debugfs on the persistence; what it cannot do it says without failing. */
export function debugfs(card: LamponeCard, ...commands: string[]): void {
  tool('debugfs', ['-w', '-f', '-', `${card.path}?offset=${card.persistence.startBytes}`], { input: `${commands.join('\n')}\n` })
}

/** A new file in a folder of the persistence. */
export function writePersistent(card: LamponeCard, name: string, content: string | Uint8Array, inside = '/'): void {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-file-'))
  try {
    writeFileSync(join(folder, 'file'), content)
    debugfs(card, `cd ${inside}`, `write ${join(folder, 'file')} ${name}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Another boot menu, in all places where one lies. */
export function changeMenus(card: LamponeCard, change: (text: string) => string): void {
  const fat = `${card.path}@@${card.boot.startBytes}`
  const env = { MTOOLS_SKIP_CHECK: '1' }
  const folder = mkdtempSync(join(tmpdir(), 'livecard-menu-'))
  try {
    for (const path of card.boot.number === 1 ? ['efi/boot/grub.cfg'] : ['efi/boot/grub.cfg', 'boot/grub/grub.cfg']) {
      const file = join(folder, 'grub.cfg')
      writeFileSync(file, change(tool('mtype', ['-i', fat, `::${path}`], { env })))
      tool('mcopy', ['-o', '-i', fat, file, `::${path}`], { env })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function deleteMenus(card: LamponeCard): void {
  const fat = `${card.path}@@${card.boot.startBytes}`
  const paths = card.boot.number === 1 ? ['::efi/boot/grub.cfg'] : ['::efi/boot/grub.cfg', '::boot/grub/grub.cfg']
  tool('mdel', ['-i', fat, ...paths], { env: { MTOOLS_SKIP_CHECK: '1' } })
}

/** The table as a script of sfdisk, changed and written again. */
export function changeTable(card: LamponeCard, change: (lines: string[]) => string[]): void {
  const script = tool('sfdisk', ['--dump', card.path]).trimEnd().split('\n')
  const lines = change(script.map((line) => line.replace(/^\S+?(\d) :/, '$1 :')).filter((line) => !line.startsWith('device:')))
  tool('sfdisk', ['-q', '--no-reread', '--wipe=never', '--wipe-partitions=never', card.path], { input: `${lines.join('\n')}\n` })
}
