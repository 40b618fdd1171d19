import type { Finding } from '../contract-report.ts'
import { readBtrfsFacts } from '../volumes/btrfs.ts'
import { readErofsFacts } from '../volumes/erofs-superblock.ts'
import { readExtFacts } from '../volumes/ext-facts.ts'
import { openFat } from '../volumes/fat-tree.ts'
import { openIso9660 } from '../volumes/iso9660.ts'
import { readLuksFacts } from '../volumes/luks.ts'
import type { Parsed, Problem } from '../volumes/problem.ts'
import { readSuperblock } from '../volumes/squashfs/superblock.ts'
import { problemOf } from './card.ts'
import { cardFindings } from './card-findings.ts'
import { found } from './finding.ts'
import type { CardVolume } from './system.ts'

type CardFinding = keyof typeof cardFindings

/** Codes of the readers in volumes/ that do not stand for damage of the whole volume. */
const ofProblem: Record<string, CardFinding> = {
  'volume-ambiguous': 'volume-ambiguous',
  'volume-unread': 'card-unread',
  'drive-io': 'card-unread',
  'fat-cut-off': 'volume-cut-off',
  'ext-cut-off': 'volume-cut-off',
  'iso-cut-off': 'volume-cut-off',
  'erofs-cut-off': 'volume-cut-off',
  'squashfs-truncated': 'volume-cut-off',
  'luks-cut-off': 'volume-cut-off',
  'erofs-features': 'volume-features',
  'squashfs-unsupported': 'volume-features',
  'btrfs-copy': 'btrfs-copies',
  'btrfs-checksum': 'btrfs-copies',
  'btrfs-copies-differ': 'btrfs-copies',
  'btrfs-devices': 'btrfs-devices',
  'luks-first-header': 'luks-header',
  'luks-second-header': 'luks-header',
  'luks-headers-differ': 'luks-header',
}

/** What a volume says of its own state, whatever it is used for. A bad place on the card becomes a finding of the volume it lies in. */
export function volumeHealth(volume: CardVolume): Finding[] {
  const named = volume.problem ? [findingOf(volume, volume.problem)] : []
  try {
    return [...named, ...stateOf(volume)]
  } catch (thrown) {
    return [...named, findingOf(volume, problemOf(thrown))]
  }
}

function stateOf(volume: CardVolume): Finding[] {
  const { device } = volume
  switch (volume.identity?.type) {
    case 'vfat':
      return ofReader(volume, openFat(device), ({ problems, dirty }) => [
        ...problems.map((problem) => findingOf(volume, problem)),
        ...(dirty ? [told(volume, 'fat-dirty', 'Its mark for "in use" is set.')] : []),
      ])
    case 'ext2':
    case 'ext3':
    case 'ext4':
      return extState(volume)
    case 'btrfs':
      return ofReader(volume, readBtrfsFacts(device), ({ problems, unclean }) => [
        ...problems.map((problem) => findingOf(volume, problem)),
        ...(unclean ? [told(volume, 'btrfs-unclean', 'It has a log tree.')] : []),
      ])
    case 'iso9660':
      return ofReader(volume, openIso9660(device), ({ problems }) => problems.map((problem) => findingOf(volume, problem)))
    case 'erofs':
      return ofReader(volume, readErofsFacts(device), ({ problems }) => problems.map((problem) => findingOf(volume, problem)))
    case 'crypto_LUKS':
      return ofReader(volume, readLuksFacts(device), ({ problems }) => problems.map((problem) => findingOf(volume, problem)))
    case 'squashfs':
      readSuperblock(device)
      return []
    default:
      return []
  }
}

function extState(volume: CardVolume): Finding[] {
  return ofReader(volume, readExtFacts(volume.device), ({ clean, needsRecovery, errorCount, features, problems }) => {
    const findings = problems.filter(({ code }) => code !== 'ext-large').map((problem) => findingOf(volume, problem))
    if (errorCount > 0) findings.push(told(volume, 'ext-errors', `It counts ${errorCount} of them.`))
    else if (!clean && features.includes('has_journal')) findings.push(told(volume, 'ext-errors', 'Its mark for errors is set.'))
    if (needsRecovery) findings.push(told(volume, 'ext-needs-recovery', 'Its journal waits to be replayed.'))
    else if (!clean && errorCount === 0 && !features.includes('has_journal')) {
      findings.push(told(volume, 'ext-not-unmounted', 'It is not marked as unmounted.'))
    }
    return findings
  })
}

function ofReader<T>(volume: CardVolume, { value, problem }: Parsed<T>, state: (facts: T) => Finding[]): Finding[] {
  if (problem) return [findingOf(volume, problem)]
  return value === null ? [] : state(value)
}

function findingOf(volume: CardVolume, { code, detail }: Problem): Finding {
  return told(volume, ofProblem[code] ?? 'volume-damaged', `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`)
}

function told({ number, identity }: CardVolume, id: CardFinding, detail: string): Finding {
  const where = identity?.label ? `Partition ${number} ("${identity.label}")` : `Partition ${number}`
  return found(cardFindings, id, number === 0 ? detail : `${where}: ${detail}`, number)
}
