import type { Finding } from '../../contract-report.ts'
import { found } from '../finding.ts'
import type { Card } from '../system.ts'
import { lamponeFindings } from './findings.ts'
import type { Layout } from './layout.ts'

const updatedNumber = 4
/** What the firmware of a Raspberry Pi, and UEFI, look for: kinds of FAT, and the EFI system partition. */
const bootTypes = {
  lampone: ['01', '04', '06', '0B', '0C', '0E', 'EF'],
  liveng: ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B'],
}
/** Extended partitions hold others and no filesystem. */
const extendedTypes = ['05', '0F', '85']

/** Whether the partitions have the numbers and places that firmware and the system's own updates count on. */
export function checkTable(card: Card, { id, roles }: Layout): Finding[] {
  const findings: Finding[] = []
  const persistence = roles.get('persistence')
  if (persistence && persistence.number !== updatedNumber) {
    const detail = `It is partition ${persistence.number}.`
    findings.push(found(lamponeFindings, 'persistence-not-fourth', detail, persistence.number))
  }
  const behind = card.volumes.filter(
    ({ number, startBytes, type }) =>
      number > 0 && persistence && startBytes > persistence.startBytes && !extendedTypes.includes(type ?? ''),
  )
  if (persistence && behind.length > 0) {
    const numbers = behind.map(({ number }) => number).join(' and ')
    const detail = `Behind partition ${persistence.number} lies ${behind.length === 1 ? 'partition' : 'partitions'} ${numbers}.`
    findings.push(found(lamponeFindings, 'persistence-not-last', detail, persistence.number))
  }
  const boot = roles.get('boot')
  if (boot && !bootTypes[id].includes(boot.type ?? '')) {
    findings.push(found(lamponeFindings, 'boot-type', `The type of partition ${boot.number} is ${boot.type}.`, boot.number))
  }
  if (id !== 'lampone' || !boot) return findings
  if (boot.number !== 1) findings.push(found(lamponeFindings, 'boot-not-first', `It is partition ${boot.number}.`, boot.number))
  if (boot.active === false)
    findings.push(found(lamponeFindings, 'boot-not-active', `The mark of partition ${boot.number} is not set.`, boot.number))
  return findings
}
