import type { FlashRequest, ImageFacts, PlanLoss, PlanStep, PlanTarget, PlanWarning } from '../contract.ts'
import { decimalSize } from '../drives/name.ts'
import { isUrl } from '../imaging/http-request.ts'
import { imageName, list, volumeWords } from './words.ts'
import { chosenMap } from './write-maps.ts'

/** What a plan says, each sentence with its code and values for translations and its English text for everybody else. */

export function stepsOf({ options }: FlashRequest, image: ImageFacts, targets: readonly PlanTarget[]): PlanStep[] {
  const mounts = targets.flatMap((target) => target.unmounts)
  const steps: (PlanStep | null)[] = [
    mounts.length > 0 ? { code: 'unmount', text: `Unmount ${list(mounts)}.`, values: { mounts: mounts.join(', ') } } : null,
    { code: 'mark-unfinished', text: 'Mark the start of the card as not finished, and clear its end.', values: {} },
    writeStep(image, targets.length, chosenMap(image, options).kind),
    image.sums.length > 0
      ? { code: 'check-sum', text: 'Compare the checksum of the image with the published one.', values: {} }
      : null,
    options.verify ? { code: 'read-back', text: 'Read back everything written, and compare.', values: {} } : null,
    options.verify
      ? { code: 'finish-compared', text: 'Write the first block, compare it, and finish: only now the card is usable.', values: {} }
      : { code: 'finish', text: 'Write the first block, and finish: only now the card is usable.', values: {} },
  ]
  return steps.filter((step) => step !== null)
}

const leftOutWords = {
  nothing: '',
  bmap: ', without what its block map leaves out',
  unused: ', without what its own filesystems call free',
}

function writeStep({ name, format, ref }: ImageFacts, targets: number, map: 'bmap' | 'allocation' | 'none'): PlanStep {
  const packed = format !== 'raw'
  const leftOut = ({ bmap: 'bmap', allocation: 'unused', none: 'nothing' } as const)[map]
  const image = ref.member === undefined ? name : `${name}: ${imageName({ name, ref })}`
  const what = packed ? `Unpack ${image} and write it` : `Write ${image}`
  const once = targets > 1 ? ` to ${targets} targets at once` : ''
  return {
    code: 'write',
    text: `${what}${once}${leftOutWords[leftOut]}; keep the first block back.`,
    values: { image, packed, targets, leftOut },
  }
}

/** The largest cards and sticks in use hold 2 TB; what people flash holds up to 256 GB. */
const largeDriveBytes = 300_000_000_000

export function warningsOf({ options }: FlashRequest, image: ImageFacts, targets: readonly PlanTarget[]): PlanWarning[] {
  const { name, contentBytes, shows, sums } = image
  const { location } = image.ref
  const unseen = 'whether it arrived whole cannot be told from outside.'
  const warnings: PlanWarning[] = []
  if (sums.length === 0 && isUrl(location)) {
    const text = `No checksum is known for ${name}, which comes from the network: ${unseen}`
    warnings.push({ code: 'no-sum-network', text, values: { image: name } })
  } else if (sums.length === 0) {
    warnings.push({ code: 'no-sum', text: `No checksum is known for ${name}: ${unseen}`, values: { image: name } })
  }
  if (/^http:/i.test(location)) {
    const text = 'The image comes over an unprotected connection (http): anyone on the way could change it.'
    warnings.push({ code: 'http', text, values: {} })
  }
  if (!options.verify) {
    warnings.push({ code: 'no-read-back', text: 'What is written will not be read back and compared.', values: {} })
  }
  if (contentBytes === null) {
    const text =
      'How large the image is shows only once it is unpacked; if it does not fit, writing stops in the middle and the card stays marked as not finished.'
    warnings.push({ code: 'size-unknown', text, values: {} })
  }
  if (shows === null) {
    const text = 'Nothing in the image says that it is one of a disk (no partition table, no filesystem that is known).'
    warnings.push({ code: 'not-a-disk', text, values: {} })
  }
  if (options.allowVirtual && targets.some(({ target }) => target.kind === 'drive')) {
    warnings.push({ code: 'virtual', text: 'Virtual drives are allowed for this job.', values: {} })
  }
  for (const { target, label, sizeBytes } of targets) {
    if (target.kind !== 'drive' || sizeBytes <= largeDriveBytes) continue
    const text = `${label} is unusually large for a card or stick (${decimalSize(sizeBytes)}). Make sure that it is the one you mean.`
    warnings.push({ code: 'large-drive', text, values: { name: label, sizeBytes } })
  }
  return [...warnings, ...smallCards(image, targets)]
}

function smallCards({ known }: ImageFacts, targets: readonly PlanTarget[]): PlanWarning[] {
  const leastBytes = known?.leastCardBytes
  if (!known || !leastBytes) return []
  return targets
    .filter(({ sizeBytes }) => sizeBytes < leastBytes)
    .map(({ label, sizeBytes }) => ({
      code: 'small-card',
      text: `${known.name} is made for cards of 8 GB and more, and ${label} has ${decimalSize(sizeBytes)}: there may be hardly any room for changes.`,
      values: { name: label, sizeBytes, system: known.name, leastBytes },
    }))
}

export function volumeLoss(volume: { label: string | null; fs: string | null; sizeBytes: number }): PlanLoss {
  const { label, fs, sizeBytes } = volume
  return { code: 'volume', text: volumeWords(volume), values: { name: label ?? '', fs: fs ?? '', sizeBytes } }
}

export function cardImageLoss(name: string, sizeBytes: number): PlanLoss {
  return {
    code: 'card-image',
    text: `what the card image ${name} (${decimalSize(sizeBytes)}) holds now`,
    values: { name, sizeBytes },
  }
}
