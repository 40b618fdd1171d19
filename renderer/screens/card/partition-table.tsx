import type { Report, ReportPartition } from '../../../native-helpers/contract.ts'
import { Size } from '../../components/size.tsx'
import { format, t } from '../../i18n/index.ts'

const sectorBytes = 512

/** Where everything lies to the sector; the map above says the same to the eye. */
export function PartitionTable({ report }: { report: Report }) {
  const words = t.card.details
  return (
    <table className="volumes exact">
      <thead>
        <tr>
          <th scope="col">{words.number}</th>
          <th scope="col">{words.role}</th>
          <th scope="col">{words.start}</th>
          <th scope="col">{words.length}</th>
          <th scope="col">{words.used}</th>
          <th scope="col">{words.fs}</th>
          <th scope="col">{words.label}</th>
          <th scope="col">{words.type}</th>
          <th scope="col">{words.uuid}</th>
        </tr>
      </thead>
      <tbody>
        {report.partitions.map((partition) => (
          <Line key={`${partition.number} ${partition.start}`} partition={partition} />
        ))}
      </tbody>
    </table>
  )
}

function Line({ partition }: { partition: ReportPartition }) {
  const { number, role, start, size, used, fs, label, partlabel, type, uuid, partuuid } = partition
  const words = t.card.details
  return (
    <tr>
      <th scope="row" data-name={words.number}>
        {number}
      </th>
      <td data-name={words.role}>{role ?? '–'}</td>
      <td data-name={words.start}>
        <span title={format.exact(start)}>{words.sectors(format.number(start / sectorBytes))}</span>
      </td>
      <td data-name={words.length}>
        <Size bytes={size} />
      </td>
      <td data-name={words.used}>{used === null ? words.notKnown : <Size bytes={used} />}</td>
      <td data-name={words.fs}>{fs ?? words.notKnown}</td>
      <td data-name={words.label}>
        {label ?? '–'}
        {partlabel === null || partlabel === '' ? null : <small className="soft"> {partlabel}</small>}
      </td>
      <td data-name={words.type}>
        <code>{type ?? '–'}</code>
      </td>
      <td data-name={words.uuid}>
        <code>{uuid ?? '–'}</code>
        {partuuid === null ? null : <code className="soft second-line">{partuuid}</code>}
      </td>
    </tr>
  )
}
