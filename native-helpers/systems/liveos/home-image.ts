import type { BlockDevice } from '../../block/device.ts'
import { decimalSize } from '../../decimal-size.ts'
import { identify } from '../../volumes/identify.ts'
import { readLuksFacts } from '../../volumes/luks.ts'
import { problemOf } from '../card.ts'
import { found } from '../finding.ts'
import type { Description } from '../system.ts'
import { liveosFindings } from './findings.ts'
import { linuxView } from './linux-view.ts'
import { roomFindings } from './overlay-folders.ts'

export type HomeReport = Pick<Description, 'rooms' | 'findings' | 'facts'>

/** home.img: a filesystem that is mounted on /home, or a LUKS container with one, of which only the headers can be judged. */
export function describeHome(device: BlockDevice, name: string, partition: number | null): HomeReport {
  const told = (id: keyof typeof liveosFindings, detail: string) => found(liveosFindings, id, `${name}: ${detail}`, partition)
  const report: HomeReport = { rooms: [], findings: [], facts: [] }
  try {
    const { volume: identity, problem } = identify(device)
    if (identity?.type === 'crypto_LUKS') describeEncrypted(device, told, report)
    else if (identity?.type.startsWith('ext')) describePlain(device, told, report)
    else if (identity) report.facts.push({ label: 'Home image', value: `${identity.type}, ${decimalSize(device.size)}` })
    else
      report.findings.push(told('home-damaged', `${problem?.detail ?? 'it begins as no filesystem and as no encrypted volume'}.`))
  } catch (thrown) {
    report.findings.push(told('home-damaged', `${problemOf(thrown).detail}.`))
  }
  return report
}

type Told = (id: keyof typeof liveosFindings, detail: string) => ReturnType<typeof found>

function describePlain(device: BlockDevice, told: Told, { rooms, findings, facts }: HomeReport): void {
  const { value: view, problem } = linuxView(device)
  if (!view) {
    findings.push(told('home-damaged', `${problem.detail}.`))
    return
  }
  const { usedBytes, totalBytes, needsRecovery, type } = view.filesystem
  rooms.push({ id: 'home', title: 'Home', usedBytes, totalBytes, note: null })
  facts.push({ label: 'Home image', value: `${type}, ${decimalSize(device.size)}, not encrypted` })
  if (totalBytes > device.size) findings.push(told('home-cut-off', `it should have ${totalBytes} bytes and has ${device.size}.`))
  else if (view.damage !== null) findings.push(told('home-damaged', `${view.damage}.`))
  if (needsRecovery) findings.push(told('home-journal', 'its journal waits to be carried out.'))
  findings.push(...roomFindings({ usedBytes, totalBytes }, 'home', told))
}

function describeEncrypted(device: BlockDevice, told: Told, { findings, facts }: HomeReport): void {
  const { value: luks, problem } = readLuksFacts(device)
  if (!luks) {
    findings.push(told('home-damaged', `${problem.detail}.`))
    return
  }
  const cipher = luks.cipher === null ? '' : ` with ${luks.cipher}`
  facts.push({
    label: 'Home image',
    value: `${decimalSize(device.size)}, encrypted (LUKS${luks.version}${cipher}): how full it is cannot be seen`,
  })
  for (const { code, detail } of luks.problems)
    findings.push(told(code === 'luks-cut-off' ? 'home-cut-off' : 'home-header', `${detail}.`))
}
