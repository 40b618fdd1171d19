import { createHash } from 'node:crypto'
import { paddedDevice } from '../../block/padded.ts'
import type { StagedDevice } from '../../block/staged.ts'
import { LivecardError } from '../../errors.ts'
import { checkInitrd } from '../../volumes/initrd.ts'
import { openIso9660 } from '../../volumes/iso9660.ts'
import { kernelVersion } from '../../volumes/kernel-image.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import type { Manifest } from '../archive/manifest.ts'
import type { ChangeDraft } from '../change.ts'
import { initrdPath, isoFile, kernelPath, openIsoPart } from './iso-part.ts'
import { rewriteKernel } from './kernel-partition.ts'
import type { KernelSource } from './kernel-source.ts'
import type { Layout } from './layout.ts'

/** As large as the partition is that installers make for it. */
const mostImageBytes = 1024 * 1024 * 1024
const stateBytes = 64 * 1024

/** The kernel of an archive, held back while it passes by, and put into this card's kernel partition under the name that this card's boot menu knows. */
export class SavedKernel {
  readonly #draft: ChangeDraft
  #image: StagedDevice | null = null

  constructor(draft: ChangeDraft) {
    this.#draft = draft
  }

  take({ entry, content }: ArchiveMember, manifest: Manifest): void {
    if (entry.path !== manifest.kernel?.image) return
    if (entry.kind !== 'file' || entry.sizeBytes > mostImageBytes) throw noKernel('its image is too large for one')
    this.#image = this.#draft.stage(paddedDevice(nothing, entry.sizeBytes))
    for (const { offset, bytes } of content()) this.#image.writeSync(bytes, offset)
  }

  /** Where the kernel that stands there now can stay beside it until the end, a power cut leaves one of the two. */
  async write({ roles }: Layout): Promise<void> {
    const volume = roles.get('kernel')
    if (!this.#image) throw noKernel('there is none in it; "livecard backup --with-kernel" saves one')
    const { value: iso } = openIso9660(this.#image)
    const [kernel, initrd] = [kernelPath, initrdPath].map((path) => (iso ? isoFile(iso, path).value : null))
    const image = kernel && (await kernelVersion(kernel.device)).value
    const whole = initrd && (await checkInitrd(initrd.device)).value
    if (!kernel || !initrd || !image?.version || image.problems.length > 0 || !whole || whole.problems.length > 0)
      throw noKernel('its kernel is not whole')
    const { value: part } = volume ? await openIsoPart(volume) : { value: null }
    const uuid = part?.iso.uuid ?? null
    if (!volume || !part || uuid === null) throw noKernel('the kernel partition of this card cannot be read; repair the card first')
    const isBootable = part.kernelFile.value !== null && part.initrdFile.value !== null
    const source: KernelSource = {
      from: 'system',
      version: image.version,
      kernel: kernel.device,
      initrd: initrd.device,
      modules: 'unknown',
      place: 'the archive',
    }
    const state = new Uint8Array(Math.min(stateBytes, volume.device.size))
    volume.device.readSync(state, 0)
    if (!rewriteKernel(this.#draft, { volume, bootable: isBootable ? part : null, volumeId: part.iso.volumeId, uuid, source }))
      throw noKernel('it does not fit into the kernel partition of this card')
    const { digest, writeBytes } = this.#draft.agreement ?? { digest: '', writeBytes: 0 }
    const both = createHash('sha256').update(digest).update(state).digest('hex')
    this.#draft.agreeTo(both, writeBytes + kernel.sizeBytes + initrd.sizeBytes)
  }
}

const nothing = { size: 0, sectorSize: 2048, readSync() {} }

function noKernel(why: string): LivecardError {
  return new LivecardError('failed', 'restore-no-kernel', {
    message: `The kernel of the archive cannot be put back: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Restore without --with-kernel; "livecard repair" writes a kernel that fits the changes.',
  })
}
