import type { ReportOverlay, ReportSnapshot } from '../../../native-helpers/contract.ts'
import { format, t } from '../../i18n/index.ts'
import { Row } from './details.tsx'

const sectorBytes = 512

export function OverlayDetails({ overlay }: { overlay: ReportOverlay }) {
  const { path, partition, kind, state, usedBytes, totalBytes, snapshot, filesystem } = overlay
  const words = t.card.details
  return (
    <div className="overlay-details">
      <h4>
        <code>{path}</code>
        {partition === null ? null : <span className="soft"> {t.card.onPartition(partition)}</span>}
      </h4>
      <p className="soft">{words.kind[kind]}</p>
      <dl className="rows">
        <Row name={words.state}>{t.card.states[state]}</Row>
        <Row name={words.usedOf}>
          <span title={`${format.exact(usedBytes)} ${t.units.of} ${format.exact(totalBytes)}`}>
            {format.sizeOf(usedBytes, totalBytes)}
          </span>
        </Row>
        {snapshot === null ? null : <Snapshot snapshot={snapshot} />}
        {filesystem === null ? null : (
          <Row name={words.filesystem}>
            {[
              filesystem.type,
              format.sizeOf(filesystem.usedBytes, filesystem.totalBytes),
              filesystem.clean ? words.clean : words.unclean,
              ...(filesystem.needsRecovery ? [words.recovery] : []),
            ].join(' · ')}
          </Row>
        )}
      </dl>
    </div>
  )
}

function Snapshot({ snapshot }: { snapshot: ReportSnapshot }) {
  const words = t.card.details.snapshot
  const { chunkSectors, capacityChunks, freeChunks } = snapshot
  return (
    <>
      {snapshot.dmsetupStatus === null ? null : (
        <Row name={words.status}>
          <code>{snapshot.dmsetupStatus}</code>
        </Row>
      )}
      <Row name={words.valid}>{snapshot.valid === 1 ? words.yes : words.no}</Row>
      <div className="row-with-note">
        <dt>{words.chunks}</dt>
        <dd>
          {words.chunksOf(
            format.number(capacityChunks - freeChunks),
            format.number(capacityChunks),
            format.chunk(chunkSectors * sectorBytes),
          )}
        </dd>
        <dd className="row-note">{words.chunksWhat}</dd>
      </div>
      <Row name={words.free}>{format.number(freeChunks)}</Row>
      <Row name={words.metadata}>
        <span title={format.exact(snapshot.metadataSectors * sectorBytes)}>
          {format.size(snapshot.metadataSectors * sectorBytes)}
        </span>
      </Row>
      <Row name={words.exceptions}>{format.number(snapshot.exceptions)}</Row>
      {snapshot.damagedAreas > 0 ? <Row name={words.damaged}>{format.number(snapshot.damagedAreas)}</Row> : null}
      {snapshot.trapSize ? <Row name={words.trap}>{words.yes}</Row> : null}
    </>
  )
}
