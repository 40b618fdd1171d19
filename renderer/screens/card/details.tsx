/** All that is known, folded away: for those who repair by hand, and for who helps from afar. */
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components/Button'
import { Disclosure, DisclosurePanel } from 'react-aria-components/Disclosure'
import { Heading } from 'react-aria-components/Heading'
import type { Drive, Report } from '../../../native-helpers/contract.ts'
import { ChevronIcon } from '../../components/icons.tsx'
import { format, t } from '../../i18n/index.ts'
import { OverlayDetails } from './overlay-details.tsx'
import { PartitionTable } from './partition-table.tsx'

export function Details({ report, drive }: { report: Report; drive: Drive | null }) {
  const { facts, system, overlays, partitions } = report
  return (
    <section className="sheet details" aria-labelledby="card-details">
      <h2 id="card-details">{t.card.details.title}</h2>
      {partitions.length > 0 ? (
        <Fold name={t.card.details.table}>
          <PartitionTable report={report} />
        </Fold>
      ) : null}
      {overlays.length > 0 ? (
        <Fold name={t.card.details.overlays}>
          {overlays.map((overlay) => (
            <OverlayDetails key={`${overlay.partition} ${overlay.path}`} overlay={overlay} />
          ))}
        </Fold>
      ) : null}
      {facts.length > 0 ? (
        <Fold name={t.card.details.facts}>
          <dl className="rows">
            {facts.map(({ label, value }) => (
              <Row key={`${label} ${value}`} name={label}>
                {value}
              </Row>
            ))}
          </dl>
        </Fold>
      ) : null}
      {system !== null && system.evidence.length > 0 ? (
        <Fold name={t.card.details.evidence}>
          <ul className="evidence">
            {system.evidence.map((clause) => (
              <li key={clause}>{clause}</li>
            ))}
          </ul>
        </Fold>
      ) : null}
      <Fold name={t.card.details.reading}>
        <Reading report={report} drive={drive} />
      </Fold>
    </section>
  )
}

function Fold({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Disclosure className="fold">
      <Heading level={3}>
        <Button slot="trigger" className="fold-button">
          <ChevronIcon size={16} />
          {name}
        </Button>
      </Heading>
      <DisclosurePanel className="fold-panel">{children}</DisclosurePanel>
    </Disclosure>
  )
}

function Reading({ report, drive }: { report: Report; drive: Drive | null }) {
  const { target, table, reading } = report
  return (
    <dl className="rows">
      <Row name={drive === null ? t.card.details.target : t.drives.path}>
        <code>{target.path}</code>
      </Row>
      {drive === null ? null : (
        <>
          <Row name={t.drives.serial}>{drive.identity.serial ? <code>{drive.identity.serial}</code> : t.drives.noSerial}</Row>
          <Row name={t.drives.bus}>{drive.bus}</Row>
        </>
      )}
      {target.size === null ? null : <Row name={t.drives.exactSize}>{format.exact(target.size)}</Row>}
      <Row name={t.drives.sector}>{format.exact(target.sectorSize)}</Row>
      <Row name={t.card.details.tableType}>{t.card.map.tables[table.type]}</Row>
      {table.id === null ? null : (
        <Row name={t.card.details.tableId}>
          <code>{table.id}</code>
        </Row>
      )}
      {table.unusedTail > 0 ? (
        <Row name={t.card.details.tail}>
          <span title={format.exact(table.unusedTail)}>{format.size(table.unusedTail)}</span>
        </Row>
      ) : null}
      {table.problems.map((problem) => (
        <Row key={problem} name={t.card.details.problem}>
          <span lang="en">{problem}</span>
        </Row>
      ))}
      <Row name={t.card.details.read}>
        <span title={format.exact(reading.bytesRead)}>{format.size(reading.bytesRead)}</span>
      </Row>
      <Row name={t.card.details.took}>{format.moment(reading.milliseconds)}</Row>
    </dl>
  )
}

export function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
