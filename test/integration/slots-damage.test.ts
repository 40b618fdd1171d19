import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { stagedDevice } from '../../native-helpers/block/staged.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { mode } from '../../native-helpers/systems/mode/index.ts'
import { rpiAb } from '../../native-helpers/systems/rpi-ab/index.ts'
import type { Description, System } from '../../native-helpers/systems/system.ts'
import { tmpfsroot } from '../../native-helpers/systems/tmpfsroot/index.ts'
import { fatStick, makeChain, modeTools } from '../support/mode.ts'
import { abTools, makeAbCard } from '../support/rpi-ab.ts'
import { makeTmpfsroot, tmpfsrootTools } from '../support/tmpfsroot.ts'
import { missingTools, seeded } from '../support/tools.ts'

const needs = missingTools(...abTools, ...tmpfsrootTools, ...modeTools)
const rounds = 24
const pageBytes = 4096
const patienceMs = 60_000

interface Sample {
  name: string
  system: System
  make(folder: string): string
}

const samples: Sample[] = [
  { name: 'an A/B card with EROFS', system: rpiAb, make: (folder) => makeAbCard(folder, { generation: 2026 }).path },
  { name: 'an A/B card with ext4', system: rpiAb, make: (folder) => makeAbCard(folder, { generation: 2025 }).path },
  { name: 'a tmpfsroot disk', system: tmpfsroot, make: (folder) => makeTmpfsroot(folder).path },
  {
    name: 'a stick with modules',
    system: mode,
    make(folder) {
      const chain = join(folder, 'chain')
      mkdirSync(chain)
      makeChain(chain)
      return fatStick(folder, chain, 'live')
    },
  },
]

/** Where something stands. */
function usedPages(device: BlockDevice): number[] {
  const pages: number[] = []
  const window = new Uint8Array(256 * pageBytes)
  for (let start = 0; start < device.size; start += window.length) {
    const part = window.subarray(0, Math.min(window.length, device.size - start))
    device.readSync(part, start)
    for (let at = 0; at < part.length; at += pageBytes) {
      if (part.subarray(at, at + pageBytes).some((byte) => byte !== 0)) pages.push(start + at)
    }
  }
  return pages
}

/** Null where the card cannot even be opened, which is told by a named error, or is of no family any more. */
async function describeBy(system: System, device: BlockDevice): Promise<Description | null> {
  const card = await openCard({ kind: 'file', path: 'card', device }).catch((thrown: unknown) => {
    assert.ok(thrown instanceof LivecardError)
    return null
  })
  const detection = card && (await system.detect(card))
  return detection ? detection.describe() : null
}

describe('damaged cards of families with slots or modules', { skip: needs ?? false }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'livecard-damage-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const { name, system, make } of samples) {
    test(`${name}, with ${rounds} kinds of damage and with bad places, is described each time`, async () => {
      const work = mkdtempSync(join(folder, 'sample-'))
      const image = openFileDevice({ path: make(work), writable: false })
      try {
        const pages = usedPages(image)
        const random = seeded(11)
        const any = (count: number) => Math.floor(random() * count)
        for (let round = 0; round < rounds; round += 1) {
          const device = stagedDevice(image, { limitBytes: 1024 * 1024 })
          for (let hits = 1 + any(5); hits > 0; hits -= 1) {
            const bytes = Uint8Array.from({ length: 1 + any(64) }, () => any(256))
            device.writeSync(bytes, Math.min((pages[any(pages.length)] ?? 0) + any(pageBytes), device.size - bytes.length))
          }
          const started = performance.now()
          await describeBy(system, device)
          assert.ok(performance.now() - started < patienceMs)
        }
        let described = 0
        for (let round = 0; round < rounds / 2; round += 1) {
          const bad = pages[any(pages.length)] ?? 0
          if (await describeBy(system, withBadPlace(image, bad))) described += 1
        }
        assert.ok(described > 0)
      } finally {
        image.close()
      }
    })
  }
})

/** What a worn card does: one page of it cannot be read. */
function withBadPlace(device: BlockDevice, bad: number): BlockDevice {
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      if (offset < bad + pageBytes && offset + into.length > bad) {
        throw new LivecardError('failed', 'drive-io', { message: 'The card cannot be read there.', meaning: '', next: '' })
      }
      device.readSync(into, offset)
    },
  }
}
