import type { Drive, ImageFacts } from '../../native-helpers/contract.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import type { Handlers } from '../../native-helpers/helper.ts'

export const fixedDrive: Drive = {
  identity: { path: '/dev/sdz', serial: 'S-1', sizeBytes: 32_000_000_000 },
  name: 'Acme Card 32 GB',
  vendor: 'Acme',
  model: 'Card',
  bus: 'usb',
  removable: true,
  readOnly: false,
  virtual: false,
  sectorSize: 512,
  picture: 'card',
  partitions: [],
  whole: { label: null, fs: null, mounts: [] },
  refusals: [],
}

/** Handlers with known answers, for tests of what carries them. `onCallerGone` hears when the asking side is gone. */
export function fixedHandlers(onCallerGone: () => void = () => {}): Handlers {
  const refuse = () => {
    throw new LivecardError('refused', 'not-here', {
      message: 'Not here.',
      meaning: 'Nothing was changed.',
      next: 'Ask elsewhere.',
    })
  }
  return {
    hello: () => ({ version: '0', contract: 1, platform: 'test', runtime: 'test', privileged: false }),
    'drives.list': () => [fixedDrive],
    'drives.watch': (_params, caller) => {
      caller.onClose(onCallerGone)
      setImmediate(() => {
        caller.emit('drives', [])
        caller.emit('drives', [fixedDrive])
      })
      return [fixedDrive]
    },
    // The facts carry the location back in every field that is text, so that a test can make the answer as long as it wants.
    'images.probe': (ref): ImageFacts => ({
      ref,
      name: ref.location,
      format: 'raw',
      storedBytes: ref.location.length,
      contentBytes: null,
      members: [],
      sums: [],
      bmap: null,
      shows: null,
    }),
    'images.browse': () => {
      throw new Error('a fault without a name')
    },
    'cards.inspect': refuse,
    'cards.bundle': refuse,
    'cards.stop': () => ({}),
    'demo.list': () => [],
    'demo.make': refuse,
    'changes.growing': refuse,
    'changes.plan': refuse,
    'changes.stop': () => ({}),
    'changes.start': refuse,
    'changes.list': () => [],
    'undo.list': () => [],
    'undo.plan': refuse,
    'undo.start': refuse,
    'undo.remove': () => ({}),
    'archive.open': refuse,
    'archive.folder': refuse,
    'archive.close': () => ({}),
    'backup.open': refuse,
    'backup.folder': refuse,
    'backup.estimate': refuse,
    'backup.start': refuse,
    'backup.cancel': () => ({}),
    'backup.close': () => ({}),
    'backup.jobs': () => [],
    'flash.plan': refuse,
    'flash.start': refuse,
    'verify.start': refuse,
    'jobs.list': () => [],
    'jobs.cancel': () => ({}),
    'history.list': () => [],
  }
}
