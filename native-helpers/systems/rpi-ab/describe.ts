import type { Finding, ReportKernel, ReportRoom, ReportSlot } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { readLuksFacts } from '../../volumes/luks.ts'
import { attempt } from '../attempt.ts'
import { found } from '../finding.ts'
import type { Card, Description } from '../system.ts'
import { type BootState, readBootFiles } from './boot-files.ts'
import { type BootChoice, readBootChoice } from './choice.ts'
import { readData } from './data.ts'
import { abFindings } from './findings.ts'
import { type AbLayout, dataIsEncrypted, type SlotId, slotIds, systemsAreEncrypted } from './layout.ts'
import { type RootState, readRoot } from './root.ts'
import { sameContent } from './same-content.ts'

interface Slot {
  id: SlotId
  title: string
  boot: BootState | null
  root: RootState | null
  findings: Finding[]
  bootable: boolean
}

/** Where every system of this kind says that its root is; the first images named a RAM disk there. */
const slotRoots = ['/dev/disk/by-slot/active/system', '/dev/ram0']

export async function describeAb(card: Card, layout: AbLayout): Promise<Description> {
  const findings = layoutFindings(layout)
  const choice = await readBootChoice(layout, card)
  const a = await readSlot(layout, 'a')
  const b = await readSlot(layout, 'b')
  const slots = [a, b]
  findings.push(...choice.findings, ...a.findings, ...b.findings, ...choiceFindings(choice, slots))
  // A place that cannot be read was told of already.
  findings.push(...((await attempt(() => comparison(layout, a, b))).value ?? []))
  findings.push(...slots.flatMap((slot) => labelFindings(layout, slot)))
  const facts = (await attempt(() => encryptedFacts(layout))).value ?? []
  const rooms = slots.flatMap(({ id, root }) => slotRoom(layout, id, root))
  if (layout.persistent) {
    const ordered = choice.starts === 'b' ? [b, a] : [a, b]
    const data = await readData(
      layout.persistent,
      ordered.flatMap(({ root }) => root?.tree ?? []),
    )
    findings.push(...data.findings)
    rooms.unshift(...data.rooms)
    facts.push(...data.facts)
  }
  if (choice.trial) facts.push({ label: 'A trial start takes', value: titleOf(choice.trial) })
  return {
    kernels: slots.flatMap((slot) => kernelsOf(layout, slot, choice)),
    overlays: [],
    rooms,
    slots: slots.map((slot) => reportSlot(slot, choice)),
    findings,
    facts,
  }
}

function titleOf(id: SlotId): string {
  return `Slot ${id.toUpperCase()}`
}

function layoutFindings(layout: AbLayout): Finding[] {
  const findings = layout.nameProblems.map((detail) =>
    found(abFindings, 'ab-names', `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`),
  )
  const { bootconfig, slots, persistent, encrypted } = layout
  const missing = slotIds.flatMap((id) => [
    ...(slots[id].boot ? [] : [`boot_${id}`]),
    ...(slots[id].system || systemsAreEncrypted(layout) ? [] : [`system_${id}`]),
  ])
  if (!bootconfig) missing.unshift('bootconfig')
  if (missing.length > 0) findings.push(found(abFindings, 'ab-partition-missing', `No partition is named ${missing.join(' or ')}.`))
  if (!persistent && !dataIsEncrypted(layout))
    findings.push(found(abFindings, 'ab-data-missing', 'No partition is named persistent.'))
  if (encrypted) {
    const inside = { crypt: 'both systems and your files', cryptslots: 'both systems', cryptdata: 'your files' }[encrypted.map]
    const detail = `Partition ${encrypted.volume.number}, labelled ${encrypted.label}, holds ${inside}.`
    findings.push(found(abFindings, 'ab-encrypted', detail, encrypted.volume.number))
  }
  return findings
}

async function readSlot(layout: AbLayout, id: SlotId): Promise<Slot> {
  const title = titleOf(id)
  const { boot: bootVolume, system } = layout.slots[id]
  const boot = bootVolume && (await readBootFiles(bootVolume, title))
  const root = system && (await readRoot(system, title))
  const hidden = systemsAreEncrypted(layout)
  const findings = [...(boot?.findings ?? []), ...(root?.findings ?? [])]
  const bootable = boot !== null && boot.findings.length === 0 && (root ? !root.isBroken : hidden)
  if (boot?.root && !hidden && !slotRoots.includes(boot.root)) {
    findings.push(
      found(abFindings, 'ab-cmdline-root', `${title}: root=${boot.root} instead of ${slotRoots[0]}.`, bootVolume?.number ?? null),
    )
  }
  const strangers = (boot?.kernels ?? []).flatMap(({ image }) =>
    image && root?.tree && !root.moduleVersions.includes(image.version) ? [image.version] : [],
  )
  if (strangers.length > 0) {
    const has = root?.moduleVersions.join(' and ') || 'none at all'
    const detail = `${title}: the kernel ${strangers.join(' and ')} has no modules in the system, which has those of ${has}.`
    findings.push(found(abFindings, 'ab-modules-missing', detail, system?.number ?? null))
  }
  return { id, title, boot, root, findings, bootable }
}

function choiceFindings({ starts }: BootChoice, slots: readonly Slot[]): Finding[] {
  if (slots.every(({ bootable }) => !bootable))
    return [found(abFindings, 'ab-no-slot-starts', 'Slot A and slot B both lack what they start with.')]
  const chosen = slots.find(({ id }) => id === starts)
  const other = slots.find(({ id }) => id !== starts)
  if (!chosen || !other) return []
  if (!chosen.bootable) {
    return [
      found(abFindings, 'ab-autoboot-broken-slot', `autoboot.txt names ${chosen.title}, which cannot start; ${other.title} can.`),
    ]
  }
  return other.bootable
    ? [
        found(
          abFindings,
          'ab-rollback-ready',
          `${chosen.title} starts; ${other.title} passes the same checks${releaseText(other)}.`,
        ),
      ]
    : [found(abFindings, 'ab-rollback-not-ready', `${chosen.title} starts; ${other.title} cannot.`)]
}

function releaseText({ root }: Slot): string {
  return root?.release ? ` and holds ${root.release.name}` : ''
}

/** Systems of 2025 mount the boot choice by its label; later ones by its place (slot-post-process.sh). */
function labelFindings({ bootconfig }: AbLayout, { title, root }: Slot): Finding[] {
  const wanted = root?.bootconfigLabel
  if (!wanted || !bootconfig?.identity || bootconfig.identity.label === wanted) return []
  const detail = `${title} looks for the label ${wanted}; partition ${bootconfig.number} has ${bootconfig.identity.label ?? 'none'}.`
  return [found(abFindings, 'ab-bootconfig-label', detail, bootconfig.number)]
}

/** Of volumes that can be compared. What is encrypted differs even where it holds the same. */
function comparison(layout: AbLayout, a: Slot, b: Slot): Finding[] {
  const pair = (part: 'boot' | 'system'): boolean | null => {
    const [one, other] = [layout.slots.a[part], layout.slots.b[part]]
    if (!one || !other) return null
    return sameContent(one.device, other.device)
  }
  const boot = pair('boot')
  const system = pair('system')
  const known = [boot, system].filter((same) => same !== null)
  if (known.length === 0) return []
  if (known.every((same) => same)) {
    return [found(abFindings, 'ab-slots-equal', 'Their descriptions and samples all over them are equal.')]
  }
  // Where one is broken, that is what differs.
  if (!a.bootable || !b.bootable) return []
  const differing = [boot === false ? 'the start files' : '', system === false ? 'the systems' : ''].filter((part) => part !== '')
  const releases = a.root?.release && b.root?.release ? ` Slot A: ${a.root.release.name}. Slot B: ${b.root.release.name}.` : ''
  return [
    found(
      abFindings,
      'ab-slots-differ',
      `${differing.join(' and ')} differ.${releases}`.replace(/^./, (first) => first.toUpperCase()),
    ),
  ]
}

/** One of several kernels starts, by the board that the card is put into. */
function kernelsOf(layout: AbLayout, { id, boot, root }: Slot, { starts }: BootChoice): ReportKernel[] {
  const kernels = boot?.kernels ?? []
  return kernels.map(({ path, image }) => ({
    where: `slot-${id}` as const,
    partition: layout.slots[id].boot?.number ?? null,
    version: image?.version ?? null,
    path,
    starts: starts === null ? null : starts !== id ? false : kernels.length === 1 ? true : null,
    modules: !image || !root?.tree ? 'unknown' : root.moduleVersions.includes(image.version) ? 'present' : 'missing',
  }))
}

function reportSlot({ id, title, root, bootable }: Slot, { starts }: BootChoice): ReportSlot {
  return { id: `slot-${id}`, title, starts: starts === null ? null : starts === id, bootable, release: root?.release?.name ?? null }
}

function slotRoom(layout: AbLayout, id: SlotId, root: RootState | null): ReportRoom[] {
  const volume = layout.slots[id].system
  if (!volume || !root || root.contentBytes === null) return []
  const note = 'How much of its partition the system takes. It does not grow while it runs.'
  return [
    {
      id: `slot-${id}`,
      title: `System of slot ${id.toUpperCase()}`,
      usedBytes: root.contentBytes,
      totalBytes: volume.sizeBytes,
      note,
    },
  ]
}

function encryptedFacts({ encrypted }: AbLayout): { label: string; value: string }[] {
  if (!encrypted) return []
  const { value: luks } = readLuksFacts(encrypted.volume.device)
  const cipher = luks?.cipher ? `${luks.cipher}${luks.keyBits === null ? '' : `, ${luks.keyBits} bit`}` : 'unknown'
  return [
    { label: 'Encrypted partition', value: `${encrypted.label}, ${decimalSize(encrypted.volume.sizeBytes)}` },
    { label: 'Cipher', value: cipher },
  ]
}
