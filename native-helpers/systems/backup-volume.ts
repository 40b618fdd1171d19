import { type Backup, membersAsMounted, rootAsMounted, soleFile } from './backup.ts'
import type { CardVolume } from './system.ts'

type Words = Pick<Backup, 'what' | 'title' | 'note' | 'isDefault'>

/** A volume of files as a whole; an encrypted one as the container that it is. */
export function wholeVolume(volume: CardVolume, words: Words): Backup {
  const type = volume.identity?.type ?? null
  const common = { ...words, origin: originOf(volume, '') }
  if (type === 'crypto_LUKS')
    return { ...common, form: 'container', problem: null, members: () => soleFile('partition.luks', volume.device) }
  const { value: mounted, problem } = rootAsMounted(volume.device)
  const isOther = type !== null && !type.startsWith('ext')
  return {
    ...common,
    form: 'tree',
    problem: isOther ? `files in a volume of the kind ${type} are not read here` : (problem?.detail ?? null),
    *members() {
      if (mounted) yield* membersAsMounted(mounted)
    },
  }
}

export function originOf({ number, identity }: CardVolume, path: string): Backup['origin'] {
  return {
    partition: number,
    path,
    fs: identity?.type ?? null,
    label: identity?.label ?? null,
    uuid: identity?.uuid ?? null,
  }
}
