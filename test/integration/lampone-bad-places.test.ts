import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCard } from '../../native-helpers/systems/card.ts'
import type { lamponeFindings } from '../../native-helpers/systems/lampone/findings.ts'
import { lampone } from '../../native-helpers/systems/lampone/index.ts'
import { openDevice } from '../support/failing-device.ts'
import { type LamponeCard, makeLampone } from '../support/lampone.ts'
import { placeOfFile } from '../support/lampone-damage.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { missingTools, testFolder } from '../support/tools.ts'

const notRoot = process.getuid?.() === 0 ? null : 'deleted files are devices, which only root makes'
const skip = missingTools(...lamponeTools) ?? notRoot ?? false
const MiB = 1024 * 1024

interface BadPlace {
  name: string
  from: (card: LamponeCard) => { offset: number; sizeBytes: number }
  ids: (keyof typeof lamponeFindings)[]
}

const badPlaces: BadPlace[] = [
  {
    name: 'the beginning of the persistence',
    from: ({ persistence }) => ({ offset: persistence.startBytes, sizeBytes: 64 * 1024 }),
    ids: ['persistence-damaged'],
  },
  {
    name: 'the middle of the compressed system',
    from: ({ path, system }) => ({ offset: placeOfFile(path, system, 'live/filesystem.squashfs').offset + 4096, sizeBytes: MiB }),
    ids: [],
  },
  {
    name: 'the end of the compressed system',
    from: ({ path, system }) => {
      const { offset, sizeBytes } = placeOfFile(path, system, 'live/filesystem.squashfs')
      return { offset: offset + sizeBytes - 4096, sizeBytes: 4096 }
    },
    ids: ['system-image-damaged'],
  },
  {
    name: 'the beginning of the kernel partition',
    from: ({ kernel }) => ({ offset: kernel.startBytes, sizeBytes: MiB }),
    ids: ['kernel-partition-unreadable'],
  },
  {
    name: 'the initrd of the kernel partition',
    from: ({ path, kernel }) => placeOfFile(path, kernel, 'live/initrd.img'),
    ids: ['kernel-partition-incomplete'],
  },
  {
    name: 'the boot partition',
    from: ({ boot }) => ({ offset: boot.startBytes, sizeBytes: MiB }),
    ids: ['boot-missing'],
  },
]

for (const { name, from, ids } of badPlaces) {
  test(`a card that cannot be read in ${name} is reported on all the same: ${ids.join(', ') || 'nothing more is found'}`, {
    skip,
  }, async (t) => {
    const card = makeLampone(testFolder(t), { layout: 'lampone' })
    const { offset, sizeBytes } = from(card)
    const opened = openDevice({ path: card.path, writable: false, badFrom: offset, badTo: offset + sizeBytes })
    try {
      const detection = await lampone.detect(await openCard({ kind: 'drive', path: 'card', device: opened.device }))
      const description = await detection?.describe()
      assert.deepEqual(description?.findings.map(({ id }) => id).sort(), [...ids].sort())
      assert.ok(description?.facts.length)
    } finally {
      opened.close()
    }
  })
}
