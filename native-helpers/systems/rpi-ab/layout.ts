import type { Card, CardVolume } from '../system.ts'

/**
 * The partitions of an A/B card, as rpi-image-gen makes it (image/gpt/ab_userdata: genimage.cfg.in.*, device/provisionmap-*.json). Only their names in the
 * table tell the slots apart: the volumes of both are equal to the bit when they are made, serial numbers and UUIDs included.
 */
export interface AbLayout {
  bootconfig: CardVolume | null
  slots: Record<SlotId, { boot: CardVolume | null; system: CardVolume | null }>
  persistent: CardVolume | null
  /** What the provisioner encrypted, as its label says; null for a card without encryption. */
  encrypted: { volume: CardVolume; map: EncryptedMap; label: string } | null
  /** Names that the system looks for and that stand more than once, or in other letters. */
  nameProblems: string[]
}

export type SlotId = 'a' | 'b'
export const slotIds: readonly SlotId[] = ['a', 'b']

/** Which parts lie inside of the encrypted partition. */
export type EncryptedMap = 'crypt' | 'cryptslots' | 'cryptdata'

/** LUKS2 labels of the maps; the ending came in 2026, with commit ad760df. */
const encryptedLabels = new Map<string, EncryptedMap>([
  ['OSDATA_CRYPT', 'crypt'],
  ['OSDATA', 'crypt'],
  ['OSAB_CRYPT', 'cryptslots'],
  ['OSAB', 'cryptslots'],
  ['USERDATA_CRYPT', 'cryptdata'],
  ['USERDATA', 'cryptdata'],
])

/** `config` until April 2026. */
const bootconfigNames = ['bootconfig', 'config']

export function layoutOf(card: Card): AbLayout | null {
  if (card.table.type !== 'gpt') return null
  const nameProblems: string[] = []
  const named = (...names: string[]): CardVolume | null => {
    const fitting = card.volumes.filter(({ partlabel }) => partlabel !== null && names.includes(partlabel.toLowerCase()))
    const [first, ...others] = fitting
    if (!first) return null
    if (others.length > 0) {
      const numbers = fitting.map(({ number }) => number).join(' and ')
      nameProblems.push(`partitions ${numbers} are all named ${first.partlabel}`)
    }
    const other = fitting.find(({ partlabel }) => partlabel !== partlabel?.toLowerCase())
    if (other) nameProblems.push(`partition ${other.number} is named ${other.partlabel}, in capitals`)
    return first
  }
  const layout: AbLayout = {
    bootconfig: named(...bootconfigNames),
    slots: {
      a: { boot: named('boot_a'), system: named('system_a') },
      b: { boot: named('boot_b'), system: named('system_b') },
    },
    persistent: named('persistent'),
    encrypted: encryptedPart(card),
    nameProblems,
  }
  return isEnough(layout) ? layout : null
}

/** Both halves of a slot pair, and its partner; one partition of the four may be lost, if the table still has the boot choice. */
function isEnough({ bootconfig, slots, encrypted }: AbLayout): boolean {
  const { a, b } = slots
  if (a.boot && b.boot && (encrypted?.map === 'crypt' || encrypted?.map === 'cryptslots')) return true
  const present = [a.boot, a.system, b.boot, b.system].filter((volume) => volume !== null).length
  return present === 4 || (present === 3 && bootconfig !== null)
}

function encryptedPart(card: Card): AbLayout['encrypted'] {
  for (const volume of card.volumes) {
    const label = volume.identity?.type === 'crypto_LUKS' ? volume.identity.label : null
    const map = label === null ? undefined : encryptedLabels.get(label)
    if (label !== null && map) return { volume, map, label }
  }
  return null
}

/** Whether the systems of both slots lie where only the board itself can read them. */
export function systemsAreEncrypted({ encrypted }: AbLayout): boolean {
  return encrypted?.map === 'crypt' || encrypted?.map === 'cryptslots'
}

export function dataIsEncrypted({ encrypted }: AbLayout): boolean {
  return encrypted?.map === 'crypt' || encrypted?.map === 'cryptdata'
}

/** The names of the time the card was made in; what the file system tables inside mount by. */
export function generationOf({ bootconfig }: AbLayout): string | null {
  if (!bootconfig) return null
  if (bootconfig.partlabel?.toLowerCase() === 'bootconfig') return 'since April 2026 (bootconfig, BOOTCONFIG)'
  return 'before April 2026 (config, BOOTFS)'
}
