import type { Drive } from '../../../native-helpers/contract.ts'
import { Size } from '../../components/size.tsx'
import { format, t } from '../../i18n/index.ts'
import { isOneVolume } from '../../state/drives.ts'

/** As the drive list tells it, before anything was read. */
export function Volumes({ drive }: { drive: Drive }) {
  const { identity, whole: onWhole } = drive
  const whole = isOneVolume(drive) ? [{ path: identity.path, sizeBytes: identity.sizeBytes, ...onWhole }] : []
  const volumes = [...whole, ...drive.partitions]
  if (volumes.length === 0) return null
  return (
    <section className="sheet">
      <table className="volumes">
        <thead>
          <tr>
            <th scope="col">{t.drives.volume}</th>
            <th scope="col">{t.drives.fileSystem}</th>
            <th scope="col">{t.drives.size}</th>
            <th scope="col">{t.drives.inUse}</th>
          </tr>
        </thead>
        <tbody>
          {volumes.map((volume) => (
            <tr key={volume.path}>
              <th scope="row">
                {volume.label || t.drives.unnamed} <code className="volume-path">{volume.path}</code>
              </th>
              <td data-name={t.drives.fileSystem}>{volume.fs ?? t.drives.unknown}</td>
              <td data-name={t.drives.size}>
                <Size bytes={volume.sizeBytes} />
              </td>
              <td data-name={t.drives.inUse}>
                {volume.mounts.length > 0 ? <code>{volume.mounts.join(', ')}</code> : t.drives.notInUse}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export function DriveDetails({ drive }: { drive: Drive }) {
  return (
    <section className="sheet">
      <h2>{t.drives.details}</h2>
      <dl className="rows">
        <Row name={t.drives.path} value={<code>{drive.identity.path}</code>} />
        <Row name={t.drives.serial} value={drive.identity.serial ? <code>{drive.identity.serial}</code> : t.drives.noSerial} />
        <Row name={t.drives.bus} value={drive.bus} />
        <Row name={t.drives.exactSize} value={format.exact(drive.identity.sizeBytes)} />
        <Row name={t.drives.sector} value={format.exact(drive.sectorSize)} />
      </dl>
    </section>
  )
}

function Row({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
